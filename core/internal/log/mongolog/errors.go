package mongolog

import (
	"context"
	"errors"

	"github.com/palabre-cms/palabre/core"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// The error codes of the server that callers or operators can do something about
// (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
const (
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18
	codeAtlasError           = 8000
	codeOutOfDiskSpace       = 14031
)

// awayCodes are what a server answers that is about to be, or not yet, one that can be used: in a change of the
// primary, a shutdown, a time-out.
var awayCodes = [...]int{6, 7, 50, 63, 64, 89, 91, 133, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436}

// translate turns an error of the driver into one of Palabre. ctx is the caller's: when it has ended, that is the
// error.
func (l *Log) translate(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if _, ours := core.AsError(err); ours {
		return err
	}
	switch {
	case ctx.Err() != nil && l.closing.Err() == nil:
		return ctx.Err()
	case errors.Is(err, mongo.ErrClientDisconnected) || l.closing.Err() != nil:
		return errClosed()
	case isDenied(err):
		return failed(core.CodeUnavailable, "MongoDB does not let Palabre in: look at the user, the password and the rights in its address", doing, err)
	case hasCode(err, codeOutOfDiskSpace):
		return failed(core.CodeUnavailable, "the disk of MongoDB is full: make room on it", doing, err)
	case isAway(err):
		return unavailable(doing, err)
	}
	return failed(core.CodeInternal, "", doing, err)
}

// isAway reports whether the server could not be reached or could not do its work now.
func isAway(err error) bool {
	if mongo.IsNetworkError(err) || mongo.IsTimeout(err) || hasCode(err, awayCodes[:]...) {
		return true
	}
	var answered mongo.ServerError
	var unsendable mongo.MarshalError
	return !errors.As(err, &answered) && !errors.As(err, &unsendable)
}

func isDenied(err error) bool {
	return hasCode(err, codeUnauthorized, codeAuthenticationFailed, codeAtlasError)
}

func hasCode(err error, codes ...int) bool {
	var answered mongo.ServerError
	if !errors.As(err, &answered) {
		return false
	}
	for _, c := range codes {
		if answered.HasErrorCode(c) {
			return true
		}
	}
	return false
}

func unavailable(doing string, err error) error {
	return failed(core.CodeUnavailable, "the content store cannot be reached: try again in a moment", doing, err)
}

func failed(code core.Code, message, doing string, err error) error {
	return &core.Error{Op: "mongolog: " + doing, Code: code, Message: message, Err: err}
}

func errClosed() error {
	return core.Errorf(core.CodeUnavailable, "the log is closed")
}
