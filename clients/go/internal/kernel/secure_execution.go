package kernel

import (
	"os"
	"unsafe"
)

// IsSecureExecution tells whether the program has more privileges than its caller, so that the environment is not
// trusted.
func IsSecureExecution() bool {
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return true
	}
	// AT_SECURE also covers file capabilities: getauxval(3).
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
