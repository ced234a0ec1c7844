"""Where a command writes a document: to a file, all of it or nothing, or to its standard output."""

from pathlib import Path

from django.core.management.base import CommandError, OutputWrapper


def write_document(content: bytes, *, output: Path | None, stdout: OutputWrapper) -> None:
    """Write ``content`` to the file ``output``, else to ``stdout``; raise ``CommandError`` when it cannot be.

    The file takes the place of an old one at once: whoever reads it meanwhile sees no half of it.
    """
    if output:
        unfinished = output.with_name(f".{output.name}.unfinished")
        try:
            unfinished.write_bytes(content)
            unfinished.replace(output)
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}") from error
    elif hasattr(stdout, "buffer"):
        stdout.flush()
        stdout.buffer.write(content)
    else:
        stdout.write(content.decode(errors="replace"), ending="")
