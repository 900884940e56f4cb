package sqlite

import "errors"

// The result codes of SQLite that callers tell apart (https://www.sqlite.org/rescode.html).
const (
	codeBusy       = 5
	codeLocked     = 6
	codeReadOnly   = 8
	codeIOErr      = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeConstraint = 19
	codeNotADB     = 26
)

// Taken reports whether err says that a value of a primary key or a unique column is already there.
func Taken(err error) bool { return is(err, codeConstraint) }

// Unavailable reports whether err is a trouble outside of the program: the disk is full or fails, the file cannot
// be opened or written, or is locked by another process. The same call may work later.
func Unavailable(err error) bool {
	return is(err, codeBusy, codeLocked, codeReadOnly, codeIOErr, codeFull, codeCantOpen)
}

// Full reports whether err says that the disk is full.
func Full(err error) bool { return is(err, codeFull) }

// Damaged reports whether err says that the file is not a whole SQLite file.
func Damaged(err error) bool { return is(err, codeCorrupt, codeNotADB) }

// is compares the primary code, which is the low byte of an extended one.
func is(err error, codes ...int) bool {
	var coded interface{ Code() int }
	if !errors.As(err, &coded) {
		return false
	}
	for _, c := range codes {
		if coded.Code()&0xff == c {
			return true
		}
	}
	return false
}
