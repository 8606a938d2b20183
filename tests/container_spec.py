#!/usr/bin/env python3
"""Prints a runc configuration for an image as a cautious operator would run it.

Program, environment and user come from the image; around them: read-only root, no capabilities, no new privileges, namespaces
of its own (network included), one CPU, 512 MiB, 64 processes. Where a folder is named that is the volume of the image.

Usage: container_spec.py <root filesystem> [folder] < output of `buildah inspect --type image`
"""

import json
import sys

config = json.load(sys.stdin)["OCIv1"]["config"]
uid, gid = (int(number) for number in config["User"].split(":"))
volumes = [{"destination": destination, "type": "bind", "source": folder,
            "options": ["bind", "rw", "nosuid", "noexec", "nodev"]}
           for destination, folder in zip(config["Volumes"], sys.argv[2:], strict=False)]
nothing = {kind: [] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")}

json.dump({
    "ociVersion": "1.0.2",
    "process": {
        "user": {"uid": uid, "gid": gid},
        "args": config["Entrypoint"] + config.get("Cmd", []),
        "env": config["Env"],
        "cwd": "/",
        "capabilities": nothing,
        "noNewPrivileges": True,
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 4096, "soft": 4096}],
    },
    "root": {"path": sys.argv[1], "readonly": True},
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
         "options": ["nosuid", "noexec", "nodev", "ro"]},
        *volumes,
    ],
    "linux": {
        "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
        "resources": {
            "cpu": {"quota": 100000, "period": 100000},
            "memory": {"limit": 512 * 1024 * 1024},
            "pids": {"limit": 64},
            "devices": [{"allow": False, "access": "rwm"}],
        },
        "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
        "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"],
    },
}, sys.stdout, indent=1)
