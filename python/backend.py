"""Build backend (PEP 517) of the wheel: runs make, packs what it made with the bindings. Needs nothing
but Python, make and a C compiler, so `pip install .` works without a network.

In the wheel: the library, the emulation of preset `default`, and whatever other emulations and
simulations the build folder holds already (RS_BUILD names it; `make emu sim` makes them all).
"""
import base64
import glob
import hashlib
import os
import re
import subprocess
import sysconfig
import tarfile
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def project(key):
    with open(os.path.join(ROOT, "pyproject.toml"), encoding="utf-8") as f:
        return re.search(rf'^{key} = "(.*)"$', f.read(), re.M).group(1)


NAME, VERSION = project("name"), project("version")
DIST_INFO = f"{NAME}-{VERSION}.dist-info"
METADATA = f"""Metadata-Version: 2.1
Name: {NAME}
Version: {VERSION}
Summary: {project("description")}
Requires-Python: {project("requires-python")}
Requires-Dist: numpy
"""


def tag():
    return "py3-none-" + re.sub(r"[-.]", "_", sysconfig.get_platform())


def libraries():
    """Builds, and lists what to pack."""
    build = os.environ.get("RS_BUILD", os.path.join(ROOT, "build"))
    wanted = ["librowstation.so", "librs_emu_default.so"]
    subprocess.run([os.environ.get("MAKE", "make"), "-C", ROOT, f"BUILD={build}"] +
                   [os.path.join(build, w) for w in wanted], check=True)
    others = glob.glob(os.path.join(build, "librs_*.so")) + glob.glob(os.path.join(build, "rs_sim_*"))
    packed = {os.path.basename(p): p for p in others if os.path.isfile(p)}
    return packed | {w: os.path.join(build, w) for w in wanted}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = f"{NAME}-{VERSION}-{tag()}.whl"
    record = []
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        def add(path, data, mode=0o644):
            info = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(info, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(data)}")

        for source in sorted(glob.glob(os.path.join(ROOT, "python", NAME, "*.py"))):
            with open(source, "rb") as f:
                add(f"{NAME}/{os.path.basename(source)}", f.read())
        with open(os.path.join(ROOT, "host", "rowstation.h"), "rb") as f:
            add(f"{NAME}/rowstation.h", f.read())        # the bindings take the structures from it
        for library, source in sorted(libraries().items()):
            with open(source, "rb") as f:
                add(f"{NAME}/{library}", f.read(), 0o755)
        add(f"{DIST_INFO}/METADATA", METADATA.encode())
        add(f"{DIST_INFO}/WHEEL", f"Wheel-Version: 1.0\nGenerator: {NAME}\nRoot-Is-Purelib: false\nTag: {tag()}\n".encode())
        record.append(f"{DIST_INFO}/RECORD,,\n")
        wheel.writestr(f"{DIST_INFO}/RECORD", "\n".join(record))
    return name


def build_sdist(sdist_directory, config_settings=None):
    """What git has, if this is its working tree."""
    name = f"{NAME}-{VERSION}.tar.gz"
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True).stdout
    with tarfile.open(os.path.join(sdist_directory, name), "w:gz", format=tarfile.PAX_FORMAT) as out:
        for path in listed.decode().split("\0"):
            if path:
                out.add(os.path.join(ROOT, path), f"{NAME}-{VERSION}/{path}")
    return name
