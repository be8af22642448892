"""Lays the functions' code into a platform's bucket, for the stacks of dedicated tenants.

Run by SAM CLI's own interpreter: it brings boto3, and with it the very credentials that `sam deploy` uses.

    artifacts.py version <template> <folder of functions> <function>...
    artifacts.py upload  <template> <folder of functions> <function>... --bucket B --region R [--profile P]

The version is a digest of what is uploaded, so that the same code has the same place everywhere, and what is
there already is not sent again.
"""

import argparse
import hashlib
import io
import pathlib
import zipfile


def version(template, binaries):
    digest = hashlib.sha256()
    for name, content in [("tenant.yaml", template), *binaries.items()]:
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:20]


def archive(binary):
    """The same bytes for the same binary: no time of day, no owner."""
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o755 << 16
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        file.writestr(entry, binary)
    return memory.getvalue()


def upload(s3, bucket, prefix, template, binaries):
    from botocore.exceptions import ClientError

    def put(name, make):
        key = f"{prefix}/{name}"
        try:
            s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
                raise
            s3.put_object(Bucket=bucket, Key=key, Body=make())
            print(f"uploaded {key}", flush=True)

    for function, binary in binaries.items():
        put(f"{function}.zip", lambda: archive(binary))
    # Last: where the template is, everything is.
    put("tenant.yaml", lambda: template)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["version", "upload"])
    parser.add_argument("template", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("functions", nargs="+")
    parser.add_argument("--bucket")
    parser.add_argument("--region")
    parser.add_argument("--profile")
    given = parser.parse_args()

    template = given.template.read_bytes()
    binaries = {name: (given.folder / name / "bootstrap").read_bytes() for name in sorted(given.functions)}
    found = version(template, binaries)
    if given.action == "upload":
        import boto3
        from botocore.config import Config

        session = boto3.Session(region_name=given.region, profile_name=given.profile)
        path_style = Config(s3={"addressing_style": "path"})
        s3 = session.client("s3", config=path_style)
        upload(s3, given.bucket, f"code/{found}", template, binaries)
    print(found)


main()
