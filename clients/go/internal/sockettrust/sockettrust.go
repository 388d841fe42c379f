// Package sockettrust decides whether only root or this user can control the path of a socket.
package sockettrust

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// DistrustReason returns why a path is not trusted as the agent's socket, or "" where it is trusted. Only root or this
// user may be able to create a socket there.
//
// Peer credentials of a listening socket prove nothing, because a service manager may have created it.
func DistrustReason(path string) (string, error) {
	var status syscall.Stat_t
	if err := syscall.Lstat(path, &status); err != nil {
		return "", err
	}
	switch status.Mode & syscall.S_IFMT {
	case syscall.S_IFLNK:
		return path + " is a symbolic link", nil
	case syscall.S_IFSOCK:
	default:
		return "", syscall.ENOTSOCK
	}
	if !isTrusted(status.Uid, path) {
		return fmt.Sprintf("%s belongs to user %d", path, status.Uid), nil
	}
	// A user who can rename a parent directory can replace it.
	for _, folder := range parentFolders(path) {
		if err := syscall.Stat(folder, &status); err != nil {
			return "", err
		}
		if !isTrusted(status.Uid, folder) {
			return fmt.Sprintf("%s belongs to user %d", folder, status.Uid), nil
		}
		if status.Mode&0o022 != 0 && status.Mode&syscall.S_ISVTX == 0 {
			return "other users can write to " + folder, nil
		}
	}
	return "", nil
}

func isTrusted(uid uint32, place string) bool {
	if uid == 0 || int(uid) == os.Geteuid() {
		return true
	}
	// In a user namespace, root of the parent namespace appears as the overflow user (`nobody`), which may also be a
	// user of this namespace. Only the administrator of the container can have put a socket on a read-only mount.
	const readOnly = 1
	var status syscall.Statfs_t
	return mayBeUnmappedUser(uid) && syscall.Statfs(place, &status) == nil && status.Flags&readOnly != 0
}

// mayBeUnmappedUser tells whether the uid is the overflow uid and stands for uids without a mapping in this user
// namespace.
func mayBeUnmappedUser(uid uint32) bool {
	text, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	overflow := uint64(65534)
	if err == nil {
		if number, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32); err == nil {
			overflow = number
		}
	}
	if uint64(uid) != overflow {
		return false
	}
	// Where every uid is mapped, the overflow uid is an ordinary user.
	mapping, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return true
	}
	fields := strings.Fields(string(mapping))
	return !(len(fields) == 3 && fields[0] == "0" && fields[2] == "4294967295")
}

// parentFolders returns "/run/rlimitd", "/run" and "/" for "/run/rlimitd/x", and "." for "x".
func parentFolders(path string) []string {
	var folders []string
	rest := path
	for {
		slash := strings.LastIndexByte(rest, '/')
		if slash < 0 {
			break
		}
		rest = rest[:slash]
		if rest == "" {
			folders = append(folders, "/")
		} else {
			folders = append(folders, rest)
		}
	}
	if !strings.HasPrefix(path, "/") {
		folders = append(folders, ".")
	}
	return folders
}
