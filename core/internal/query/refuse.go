package query

import (
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/spelling"
)

// The limits of one request: what answers it is work, and anonymous callers may ask.
const (
	maxLimit      = 200
	defaultLimit  = 20
	maxPredicates = 20
	maxDepth      = 4   // of and, or, not
	maxHops       = 3   // references on one path, and levels of include
	maxList       = 200 // values of in and nin
	maxSort       = 5
	maxFacets     = 10
	maxInclude    = 20
	maxFields     = 200
	maxText       = 500    // characters of q
	maxValue      = 1000   // bytes of one value
	maxParams     = 8192   // bytes of all parameters
	maxOffset     = 10_000 // results of a search across types
)

// refuse makes the error of a request that cannot be read. reason is the word for programs.
func refuse(reason, format string, args ...any) error {
	err, _ := core.AsError(core.Errorf(core.CodeBadRequest, format, args...))
	err.Reason = reason
	return err
}

// unknown is the one error for a name that is not there, or not for this caller. what is "field", "parameter" or
// "operator"; known are the names that the caller may know.
func unknown(what, name string, known []string) error {
	message := "There is no " + what + " " + quote(name) + "."
	extra := map[string]any{what: short(name)}
	if near := spelling.Nearest(name, known); near != "" {
		message += " Did you mean " + quote(near) + "?"
		extra["nearest"] = near
	}
	return &core.Error{Code: core.CodeBadRequest, Reason: "unknown_" + what, Message: message, Extra: extra}
}

func quote(s string) string { return strconv.Quote(short(s)) }

// short cuts what a stranger wrote, so that an error is never long and always text.
func short(s string) string {
	const most = 80
	if len(s) <= most {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func list[S ~string](names []S) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}
