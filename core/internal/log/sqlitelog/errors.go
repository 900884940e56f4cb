package sqlitelog

import (
	"context"
	"database/sql"
	"errors"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

// translate turns an error of SQLite into one of Palabre. Errors of Palabre and of contexts pass, and so does
// sql.ErrNoRows, which the callers look for.
func translate(doing string, err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ours := core.AsError(err); ours || errors.Is(err, core.ErrPositionTaken) {
		return err
	}
	switch {
	case isClosed(err):
		return errClosed()
	case sqlite.Full(err):
		return failed(core.CodeUnavailable, "the disk is full: make room on it", doing, err)
	case sqlite.Unavailable(err):
		return failed(core.CodeUnavailable, "the log's file cannot be used: look at its disk and its permissions", doing, err)
	case sqlite.Damaged(err):
		return failed(core.CodeInternal, "the log's file is damaged or not a Palabre log: restore a backup", doing, err)
	}
	return failed(core.CodeInternal, "", doing, err)
}

// translateCommit is translate for the end of a transaction of commits. SQLite takes the transaction back when that
// fails, but if the program then stops, a restart may find that it had reached the disk after all.
func translateCommit(err error) error {
	if err == nil || sqlite.Full(err) {
		return translate("append to the log", err)
	}
	return translate("append to the log", errors.Join(core.ErrUnknownOutcome, err))
}

func failed(code core.Code, message, doing string, err error) error {
	return &core.Error{Op: "sqlitelog: " + doing, Code: code, Message: message, Err: err}
}

func errClosed() error {
	return core.Errorf(core.CodeUnavailable, "the log is closed")
}

// isClosed recognises database/sql's answer after Close, which has no value to compare with.
func isClosed(err error) bool {
	return errors.Is(err, sql.ErrConnDone) || err.Error() == "sql: database is closed" || err.Error() == "sql: statement is closed"
}
