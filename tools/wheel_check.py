"""`make wheel-check`: build the wheel, install it, and use it.

```
wheel, sdist ──> twine check ──> a new environment each: pip or uv, the oldest or the newest CDK ──> an app synthesizes
```
"""

import subprocess
import sys
import tempfile
from pathlib import Path

CDKS = {
    "the oldest CDK": ["aws-cdk-lib==2.270.0", "constructs==10.5.1"],
    "the newest CDK": ["aws-cdk-lib", "constructs"],
}
# Two wheels contain aws_cdk/cloud_assembly_schema/__init__.py. With the wrong one, reading an annotation fails.
APP = """
import sys, pathlib
from aws_cdk import App, Stack, assertions, aws_ecs as ecs
from fargate_constructs import FargateWebService
from fargate_constructs.testing import assert_fixed_egress
assert pathlib.Path(sys.prefix) in pathlib.Path(sys.modules["fargate_constructs"].__file__).parents
stack = Stack(App(outdir="cdk.out"), "Shop")
FargateWebService(stack, "Shop", image=ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable"))
assert_fixed_egress(stack)
[found] = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.string_like_regexp("plain HTTP"))
assert "plain HTTP" in found.entry.data
"""


# APP writes this template; the plan of its deployment finds nothing.
SAME = ("cdk.out/Shop.template.json", "--app", "cdk.out")


def main() -> int:
    """Run all steps. If a step fails, print its output and stop."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        _run(sys.executable, "-m", "hatchling", "build", "-d", out)
        tools = _environment(out / "tools")
        _run(tools / "python", "-m", "pip", "install", "--quiet", "twine", "uv")
        _run(tools / "twine", "check", "--strict", *out.glob("*.whl"), *out.glob("*.tar.gz"))
        (wheel,) = out.glob("*.whl")
        for cdk, packages in CDKS.items():
            for installer in ("pip", "uv"):
                place = out / f"{installer} {cdk}"
                programs = _environment(place)
                commands: dict[str, list[str | Path]] = {
                    "pip": [programs / "python", "-m", "pip", "install", "--quiet", "--no-compile"],
                    "uv": [tools / "uv", "pip", "install", "--quiet", "--python", programs / "python"],
                }
                _run(*commands[installer], f"{wheel}[cli]", *packages)
                _run(programs / "python", "-c", APP, cwd=place)
                _run(programs / "fargate-constructs", "--version")
                _run(programs / "fargate-constructs", "plan", "--deployed", *SAME, cwd=place)
                print(f"{wheel.name} beside {cdk}, installed by {installer}: ok", flush=True)
    return 0


def _environment(folder: Path) -> Path:
    """Return the folder of the programs of a new virtual environment."""
    _run(sys.executable, "-m", "venv", folder)
    return folder / "bin"


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a step to its end."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:4]))} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
