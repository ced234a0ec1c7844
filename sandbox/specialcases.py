"""What an inventory must hold besides the ordinary, because it is priced or shown by a rule of its own."""

from typing import Any

LINUX = ("0001",)

# Name -> facts of a VM; the name is its tag, so that a person finds it.
VMS: dict[str, dict[str, Any]] = {
    # Types: with `p` and without (the field tells, or nothing does: high), another `p` than the field's.
    "with-p": {"vm_type": "tinav6.c4r8p1", "performance": "highest", "product_codes": LINUX},
    "without-p-medium": {"vm_type": "tinav5.c2r4", "performance": "medium", "product_codes": LINUX},
    "without-p-highest": {"vm_type": "tinav4.c3r5", "performance": "highest", "product_codes": LINUX},
    "without-p-nor-field": {"vm_type": "tinav3.c2r4", "product_codes": LINUX},
    "p-against-field": {"vm_type": "tinav4.c2r4p1", "performance": "medium", "product_codes": LINUX},
    "simulation": {"vm_type": "tinav7.c8r16p101", "product_codes": LINUX},
    "v104": {"vm_type": "tinav104.c36r492p1", "performance": "highest", "product_codes": LINUX},
    "aws-m5": {"vm_type": "m5.2xlarge", "performance": "high", "product_codes": LINUX},
    "aws-t2": {"vm_type": "t2.small", "performance": "medium", "product_codes": LINUX, "is_in_net": False},
    "aws-with-gpu": {"vm_type": "g2.2xlarge", "performance": "highest", "product_codes": LINUX},
    "unknown-generation": {"vm_type": "tinav9.c4r8p1", "performance": "highest", "product_codes": LINUX},
    "unknown-type": {"vm_type": "x1.32xlarge", "performance": "high", "product_codes": LINUX},
    # Licences; 0007 has no price today, and the second product of the marketplace costs nothing.
    "no-product-code": {"vm_type": "tinav6.c1r1p3", "performance": "medium", "product_codes": ()},
    "windows": {"vm_type": "tinav6.c3r8p2", "performance": "high", "product_codes": ("0002",)},
    "sql-standard": {"vm_type": "tinav6.c2r8p2", "performance": "high", "product_codes": ("0002", "0008")},
    "sql-enterprise": {
        "vm_type": "tinav6.c9r32p1",
        "performance": "highest",
        "product_codes": ("0002", "0009"),
    },
    "windows-10": {"vm_type": "tinav6.c4r8p2", "performance": "high", "product_codes": ("0005",)},
    "rhel": {"vm_type": "tinav6.c8r16p2", "performance": "high", "product_codes": ("0006",)},
    "sql-web": {"vm_type": "tinav6.c4r16p2", "performance": "high", "product_codes": ("0007",)},
    "marketplace": {"vm_type": "tinav6.c4r8p2", "performance": "high", "product_codes": ("pty-8e0f3937",)},
    "marketplace-free": {"vm_type": "m4.large", "performance": "high", "product_codes": ("pty-9e378c04",)},
    # Tenancy; the last ones are put into the dedicated group.
    "dedicated": {
        "vm_type": "tinav5.c4r16p1",
        "performance": "highest",
        "product_codes": ("0002",),
        "tenancy": "dedicated",
    },
    "dedicated-stopped": {
        "vm_type": "tinav5.c4r16p1",
        "performance": "highest",
        "product_codes": LINUX,
        "tenancy": "dedicated",
        "state": "stopped",
    },
    "grouped-1": {"vm_type": "tinav5.c8r32p2", "performance": "high", "product_codes": LINUX},
    "grouped-2": {"vm_type": "tinav5.c2r4", "performance": "medium", "product_codes": ("0006",)},
}
IN_THE_GROUP = ("grouped-1", "grouped-2")
STATES = ("stopped", "stopping", "pending", "shutting-down", "terminated", "quarantine")

# Name -> number of public IPs: the first is the VM's own, the next ones are additional. One VM is in no Net.
ADDRESSED = {"with-p": 1, "windows": 3, "aws-t2": 1, "stopped": 1}

# Model, state, and the VM it is on or about to be.
GPUS = (
    ("nvidia-k2", "attached", "aws-with-gpu"),
    ("nvidia-a100", "allocated", ""),
    ("nvidia-a100-80", "attached", "with-p"),
    ("nvidia-a10", "attaching", "rhel"),
    ("nvidia-l40", "detaching", "windows"),
    ("nvidia-p100", "attached", "stopped"),
)

# None at all, other letters, all that a resource may have, keys that differ by case, signs with a meaning.
ODD_TAGS = (
    (),
    (("équipe", "données – 数据 🚀"), ("проект", "архив")),
    tuple((f"key-{number:02}", f"value {number}") for number in range(50)),
    (("Project", "imagerie"), ("project", "portail"), ("PROJECT", "archives")),
    (("empty", ""), ("a=b", "c=d=e"), ("formula", "=1+1"), ("markup", "<b>&amp;</b>"), ("list", 'a,"b";c|d')),
)

HANDED_OVER = "rhel"
"""The name of the VM that another project takes over each Monday (`sandbox.handovers`)."""
