package kernel

import (
	"os"
	"unsafe"
)

// Whether the program runs with more rights than its caller has: the environment is then not to be trusted.
func IsSecureExecution() bool {
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return true
	}
	// What the kernel said at exec, AT_SECURE, also of file capabilities.
	auxv, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return os.IsPermission(err)
	}
	const atSecure = 23
	size := int(unsafe.Sizeof(uintptr(0)))
	for ; len(auxv) >= 2*size; auxv = auxv[2*size:] {
		if word(auxv) == atSecure {
			return word(auxv[size:]) != 0
		}
	}
	return false
}

func word(bytes []byte) uintptr { return *(*uintptr)(unsafe.Pointer(&bytes[0])) }
