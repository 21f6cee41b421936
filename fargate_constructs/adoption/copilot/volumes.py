"""Volumes: empty ones, file systems of Copilot, and file systems made elsewhere."""

import zlib

from fargate_constructs.adoption.copilot.code import Expression, call, made, text
from fargate_constructs.adoption.copilot.containers import mount_points, safe_sidecar
from fargate_constructs.adoption.copilot.draft import Draft
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.values import construct_id

UNKNOWN = "no volume of the manifest has this name; if an override made it, add the volume and the mount by hand"
# The variables of a file system and an access point; none for an empty volume.
Volume = tuple[str, str] | None


def volumes(draft: Draft) -> None:
    """Add the volumes, and mount them into the main container and the sidecars."""
    found: dict[str, Volume] = {}
    paths: dict[str, str] = {}
    for name, section in draft.root.section("storage").children("volumes").items():
        found[name] = _volume(draft, name, section)
        if path := section.text("path"):
            paths[name] = path
            _mount(draft, section, name, found[name], path)
    draft.variables |= mount_points(paths)
    for sidecar, section in draft.root.children("sidecars").items():
        for mount in section.sections("mount_points"):
            source = mount.text("source_volume")
            if source is None or source not in found:
                mount.lose("source_volume", UNKNOWN)
                mount.take("path")
                mount.take("read_only")
                continue
            _mount(draft, mount, source, found[source], mount.text("path") or "", sidecar=sidecar)


def _mount(draft: Draft, section: Section, name: str, volume: Volume, path: str, *, sidecar: str = "") -> None:
    read_only = section.flag("read_only") is not False  # as Copilot's default
    container = safe_sidecar(draft, sidecar) if sidecar else ""
    if volume:
        file_system, access_point = volume
        value = call(
            draft.of_service("mount_file_system"),
            text(path),
            file_system=file_system,
            access_point=access_point,
            read_only="True" if read_only else None,
            container=container or None,
        )
    else:
        mount = call("ecs.MountPoint", container_path=text(path), source_volume=text(name), read_only=str(read_only))
        value = call(f"{container or draft.of_service('container')}.add_mount_points", mount)
    draft.do(f"mount {name} {sidecar} {path}", value, owns=section.path)


def _volume(draft: Draft, name: str, section: Section) -> Volume:
    if not section.is_map("efs"):
        if section.flag("efs"):
            return _managed(draft, name, None, None)
        value = call(draft.of_service("task_definition.add_volume"), name=text(name))
        draft.do(f"volume {name}", value, owns=section.path)
        return None
    efs = section.section("efs")
    if "id" in efs:
        return _elsewhere(draft, name, efs)
    return _managed(draft, name, efs.text("uid"), efs.text("gid"))


def _managed(draft: Draft, name: str, uid: str | None, gid: str | None) -> Volume:
    """Import Copilot's file system; the access point leads to the same folder, with the same user, as Copilot's."""
    crc = str(zlib.crc32(draft.name.encode()))
    uid, gid = uid or crc, gid or crc
    variable = _file_system(draft, "", 'environment.export("FilesystemID")')
    user = call("efs.PosixUser", uid=text(uid), gid=text(gid))
    acl = call("efs.Acl", owner_uid=text(uid), owner_gid=text(gid), permissions=text("0755"))
    point = made(
        "efs.AccessPoint",
        f"{construct_id(name)}AccessPoint",
        file_system=variable,
        path=text(f"/{draft.name}"),
        posix_user=user,
        create_acl=acl,
    )
    return variable, draft.make(f"{name}_access_point", point)


def _file_system(draft: Draft, name: str, file_system_id: Expression) -> str:
    """Import a file system, and return its variable; that of Copilot has no name."""
    value = made(
        "efs.FileSystem.from_file_system_attributes",
        f"{construct_id(name) if name else ''}FileSystem",
        file_system_id=file_system_id,
        security_group="environment.security_group",
    )
    return draft.imported(f"{name}_file_system".lstrip("_"), value)


def _elsewhere(draft: Draft, name: str, efs: Section) -> Volume:
    prefix = construct_id(name)
    if efs.is_map("id"):
        efs_id: Expression = call("Fn.import_value", text(efs.section("id").text("from_cfn") or ""))
    else:
        efs_id = text(efs.text("id") or "")
    variable = _file_system(draft, name, efs_id)
    auth = efs.section("auth")
    if auth.flag("iam") is False:
        auth.differ("iam", "the mount uses the task's role here; the policy of the file system must allow that role")
    root_dir = efs.text("root_dir") or "/"
    if point_id := auth.text("access_point_id"):
        method, options = "efs.AccessPoint.from_access_point_attributes", {"access_point_id": text(point_id)}
        point = made(method, f"{prefix}AccessPoint", **options, file_system=variable)
        return variable, draft.imported(f"{name}_access_point", point)
    point = made("efs.AccessPoint", f"{prefix}AccessPoint", file_system=variable, path=text(root_dir))
    return variable, draft.make(f"{name}_access_point", point)
