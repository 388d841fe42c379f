package sockettrust

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Why a path is not to be trusted as the agent's, or "" where it is: only root or ourselves may be able to put a socket
// there. Peer credentials of a listener say nothing, for a service manager may have made it.
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
	// Whoever may rename a folder on the way may put another in its place.
	for _, folder := range parentFolders(path) {
		if err := syscall.Stat(folder, &status); err != nil {
			return "", err
		}
		if !isTrusted(status.Uid, folder) {
			return fmt.Sprintf("%s belongs to user %d", folder, status.Uid), nil
		}
		if status.Mode&0o022 != 0 && status.Mode&syscall.S_ISVTX == 0 {
			return "others can write to " + folder, nil
		}
	}
	return "", nil
}

func isTrusted(uid uint32, place string) bool {
	if uid == 0 || int(uid) == os.Geteuid() {
		return true
	}
	// In a user namespace root of the outside shows as nobody, who may be a user in here too. What is mounted read-only was
	// put there by whoever made the container.
	const readOnly = 1
	var status syscall.Statfs_t
	return mayBeUnmappedUser(uid) && syscall.Statfs(place, &status) == nil && status.Flags&readOnly != 0
}

// Whether a user id is the one that all those show as who have none in this user namespace.
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
	// Where every id is known it stands for itself.
	mapping, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return true
	}
	fields := strings.Fields(string(mapping))
	return !(len(fields) == 3 && fields[0] == "0" && fields[2] == "4294967295")
}

// "/run/rlimitd/x" to "/run/rlimitd", "/run", "/"; "x" to ".".
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
