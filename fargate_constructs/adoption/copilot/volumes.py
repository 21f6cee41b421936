"""Volumes: empty ones, file systems of Copilot, and file systems made elsewhere."""

import zlib
from dataclasses import dataclass

from fargate_constructs.adoption.copilot.code import Expression, call, made, text
from fargate_constructs.adoption.copilot.containers import mount_points, safe_sidecar
from fargate_constructs.adoption.copilot.draft import Draft
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.values import construct_id

UNKNOWN = "no volume of the manifest has this name; if an override made it, add the volume and the mount by hand"


@dataclass(frozen=True)
class Volume:
    """A volume: the variables of its file system and access point, or neither."""

    file_system: str = ""
    access_point: str = ""


def volumes(draft: Draft) -> None:
    """Add the volumes, and mount them into the main container and the sidecars."""
    found: dict[str, Volume] = {}
    paths: dict[str, str] = {}
    for name, section in draft.root.section("storage").children("volumes").items():
        found[name] = _volume(draft, name, section)
        if path := section.text("path"):
            paths[name] = path
            _mount(draft, name, found[name], path=path, section=section, owns=f"storage.volumes.{name}")
    draft.variables |= mount_points(paths)
    for sidecar, section in draft.root.children("sidecars").items():
        for mount in section.sections("mount_points"):
            source = mount.text("source_volume")
            if source is None or source not in found:
                mount.lose("source_volume", UNKNOWN)
                mount.take("path")
                mount.take("read_only")
                continue
            _mount(
                draft,
                source,
                found[source],
                path=mount.text("path") or "",
                section=mount,
                sidecar=sidecar,
                owns=mount.path,
            )


def _mount(
    draft: Draft, name: str, volume: Volume, *, path: str, section: Section, sidecar: str = "", owns: str
) -> None:
    read_only = section.flag("read_only") is not False  # as Copilot's default
    container = safe_sidecar(draft, sidecar) if sidecar else ""
    key = f"mount {name} {sidecar} {path}"
    if volume.file_system:
        value = call(
            draft.of_service("mount_file_system"),
            text(path),
            file_system=volume.file_system,
            access_point=volume.access_point,
            read_only="True" if read_only else None,
            container=container or None,
        )
    else:
        mount = call("ecs.MountPoint", container_path=text(path), source_volume=text(name), read_only=str(read_only))
        value = call(f"{container or draft.of_service('container')}.add_mount_points", mount)
    draft.do(key, value, owns=owns)


def _volume(draft: Draft, name: str, section: Section) -> Volume:
    if not section.is_map("efs"):
        if section.flag("efs"):
            return _managed(draft, name, None, None)
        value = call(draft.of_service("task_definition.add_volume"), name=text(name))
        draft.do(f"volume {name}", value, owns=f"storage.volumes.{name}")
        return Volume()
    efs = section.section("efs")
    uid, gid = efs.text("uid"), efs.text("gid")
    if "id" not in efs:
        return _managed(draft, name, uid, gid)
    return _elsewhere(draft, name, efs)


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
    return Volume(variable, draft.make(f"{name}_access_point", point))


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
        variable = _file_system(draft, name, call("Fn.import_value", text(efs.section("id").text("from_cfn") or "")))
    else:
        variable = _file_system(draft, name, text(efs.text("id") or ""))
    auth = efs.section("auth")
    if auth.flag("iam") is False:
        auth.differ("iam", "the mount uses the task's role here; the policy of the file system must allow that role")
    root_dir = efs.text("root_dir") or "/"
    if point_id := auth.text("access_point_id"):
        method, options = "efs.AccessPoint.from_access_point_attributes", {"access_point_id": text(point_id)}
        point = made(method, f"{prefix}AccessPoint", **options, file_system=variable)
        return Volume(variable, draft.imported(f"{name}_access_point", point))
    point = made("efs.AccessPoint", f"{prefix}AccessPoint", file_system=variable, path=text(root_dir))
    return Volume(variable, draft.make(f"{name}_access_point", point))
