"""The errors of the API: code, HTTP status and type (OUTSCALE API documentation, "API Error Codes")."""

# The types of codes 6, 24 and 15 are not documented; clients are to decide on the code.
_ERRORS = {
    "1": (401, "AccessDenied"),
    "4": (401, "AccessDenied"),
    "6": (503, "ServiceUnavailable"),
    "13": (401, "AccessDenied"),
    "15": (401, "AccessDenied"),
    "24": (429, "RequestLimitExceeded"),
    "2000": (500, "InternalError"),
    "3001": (400, "InvalidParameter"),
    "3010": (400, "InvalidParameter"),
    "4047": (400, "InvalidParameterValue"),
    "4118": (400, "InvalidParameterValue"),
    "4120": (400, "InvalidParameterValue"),
    "5044": (400, "InvalidResource"),
    "7000": (400, "MissingParameter"),
    "12000": (404, "InvalidAction"),
}


class ApiError(Exception):
    """An error which the cloud answers instead of a result.

    `code` is OUTSCALE's code; `status` overrides the usual HTTP status of that code.
    """

    def __init__(self, code: str, details: str = "", *, status: int | None = None) -> None:
        usual_status, self.type = _ERRORS.get(code, (400, "UnknownError"))
        self.code = code
        self.details = details
        self.status = status or usual_status
        super().__init__(f"{self.status} {self.type} {code}")
