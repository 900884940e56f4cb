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
func refuse(reason, en, fr string, args ...any) error {
	return core.Refuse(core.CodeBadRequest, reason, en, fr, args...)
}

// absent says in both languages that there is no such thing.
var absent = map[string]core.Text{
	"field":     {"en": "There is no field %s.", "fr": "Il n’y a pas de champ %s."},
	"operator":  {"en": "There is no operator %s.", "fr": "Il n’y a pas d’opérateur %s."},
	"parameter": {"en": "There is no parameter %s.", "fr": "Il n’y a pas de paramètre %s."},
	"type":      {"en": "There is no type %s.", "fr": "Il n’y a pas de type %s."},
}

// unknown is the one error for a name that is not there, or not for this caller. what is "field", "parameter",
// "operator" or "type"; known are the names that the caller may know.
func unknown(what, name string, known []string) error {
	en, fr, args := absent[what]["en"], absent[what]["fr"], []any{quote(name)}
	extra := map[string]any{what: short(name)}
	if near := spelling.Nearest(name, known); near != "" {
		en, fr, args = en+" Did you mean %s?", fr+" Vouliez-vous dire %s ?", append(args, quote(near))
		extra["nearest"] = near
	}
	err := core.Refuse(core.CodeBadRequest, "unknown_"+what, en, fr, args...)
	err.Extra = extra
	return err
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
