package query

import (
	"sort"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
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
	if near := nearest(name, known); near != "" {
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

// nearest gives the name that differs least from what was written, "" when none is like it.
func nearest(name string, known []string) string {
	if len(name) > 100 {
		return ""
	}
	sorted := append([]string(nil), known...)
	sort.Strings(sorted)
	best, distance := "", 2*((len(name)+1)/3+1)
	for _, k := range sorted {
		if d := apart(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// apart measures how much two names differ, in half letters: a field in a group may have been meant by its own name alone,
// but one that is not in a group is as likely again.
func apart(name, known string) int {
	d := 2 * edits(name, known)
	if dot := strings.LastIndexByte(known, '.'); dot >= 0 && !strings.Contains(name, ".") {
		d = min(d, 2*edits(name, known[dot+1:])+1)
	}
	return d
}

// edits counts the letters to add, take out or change to make one word of the other (Levenshtein).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
