package filelock

import (
	"errors"
	"os"
	"syscall"
)

// errSharingViolation is what Windows answers when a file is open elsewhere and not shared for writing.
const errSharingViolation syscall.Errno = 32

// lockFile opens the file shared for reading only: a second one that wants to write is refused.
func lockFile(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, syscall.FILE_SHARE_READ, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, errHeld
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(handle), path), nil
}
