package jsondoc

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// Merge applies a JSON Merge Patch (RFC 7396) to an object: null takes a member out, an object merges, anything else
// replaces. It alters neither argument, but the answer may share values with both.
func Merge(target, patch map[string]any) map[string]any {
	out := make(map[string]any, len(target)+len(patch))
	for key, v := range target {
		out[key] = v
	}
	for key, v := range patch {
		switch v := v.(type) {
		case nil:
			delete(out, key)
		case map[string]any:
			old, _ := out[key].(map[string]any)
			out[key] = Merge(old, v)
		default:
			out[key] = v
		}
	}
	return out
}

// PatchOp is one operation of a JSON Patch (RFC 6902).
type PatchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	From  string `json:"from,omitempty"`
	Value any    `json:"value,omitempty"`
}

// MarshalJSON writes the members that the operation has, a null value included.
func (op PatchOp) MarshalJSON() ([]byte, error) {
	m := map[string]any{"op": op.Op, "path": op.Path}
	switch op.Op {
	case "add", "replace", "test":
		m["value"] = op.Value
	case "move", "copy":
		m["from"] = op.From
	}
	return Encode(m), nil
}

// Pointer makes a JSON Pointer (RFC 6901) of tokens.
func Pointer(tokens ...string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(escapeToken.Replace(t))
	}
	return b.String()
}

var (
	escapeToken   = strings.NewReplacer("~", "~0", "/", "~1")
	unescapeToken = strings.NewReplacer("~1", "/", "~0", "~")
)

// Diff gives a patch that leads from one value to another: add, remove and replace only, members in order.
// Array items are compared by place after their common beginning and end.
func Diff(from, to any) []PatchOp { return appendDiff(nil, "", from, to) }

func appendDiff(ops []PatchOp, path string, from, to any) []PatchOp {
	if Equal(from, to) {
		return ops
	}
	switch a := from.(type) {
	case map[string]any:
		if b, ok := to.(map[string]any); ok {
			return diffObjects(ops, path, a, b)
		}
	case []any:
		if b, ok := to.([]any); ok {
			return diffArrays(ops, path, a, b)
		}
	}
	return append(ops, PatchOp{Op: "replace", Path: path, Value: to})
}

func diffObjects(ops []PatchOp, path string, a, b map[string]any) []PatchOp {
	keys := make([]string, 0, len(a)+len(b))
	for key := range a {
		keys = append(keys, key)
	}
	for key := range b {
		if _, both := a[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		old, had := a[key]
		next, has := b[key]
		at := path + Pointer(key)
		switch {
		case !has:
			ops = append(ops, PatchOp{Op: "remove", Path: at})
		case !had:
			ops = append(ops, PatchOp{Op: "add", Path: at, Value: next})
		default:
			ops = appendDiff(ops, at, old, next)
		}
	}
	return ops
}

func diffArrays(ops []PatchOp, path string, a, b []any) []PatchOp {
	start := 0
	for start < len(a) && start < len(b) && Equal(a[start], b[start]) {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && Equal(a[endA-1], b[endB-1]) {
		endA, endB = endA-1, endB-1
	}
	common := min(endA, endB)
	for i := start; i < common; i++ {
		ops = appendDiff(ops, path+"/"+strconv.Itoa(i), a[i], b[i])
	}
	for i := endA - 1; i >= common; i-- {
		ops = append(ops, PatchOp{Op: "remove", Path: path + "/" + strconv.Itoa(i)})
	}
	for i := common; i < endB; i++ {
		ops = append(ops, PatchOp{Op: "add", Path: path + "/" + strconv.Itoa(i), Value: b[i]})
	}
	return ops
}

// ApplyPatch applies a JSON Patch to a copy of a value: all operations or, with an error, none.
func ApplyPatch(doc any, ops []PatchOp) (any, error) {
	doc = Clone(doc)
	for i, op := range ops {
		next, err := applyOne(doc, op)
		if err != nil {
			return nil, failed(i, op, err)
		}
		doc = next
	}
	return doc, nil
}

// failed says which operation could not be done, and why.
func failed(i int, op PatchOp, err error) error {
	why := core.Say(err.Error(), err.Error())
	if r := (*refused)(nil); errors.As(err, &r) {
		why = r.why
	}
	return core.Refuse(core.CodeInvalid, "", "Operation %[1]d (%[2]s %[3]s): %[4]s.", "Opération %[1]d (%[2]s %[3]s) : %[5]s.", i, op.Op, op.Path, why["en"], why["fr"])
}

func applyOne(doc any, op PatchOp) (any, error) {
	switch op.Op {
	case "add":
		return edit(doc, tokens(op.Path), addition(Clone(op.Value)))
	case "replace":
		return edit(doc, tokens(op.Path), replacement(op.Value))
	case "remove":
		return edit(doc, tokens(op.Path), removal)
	case "test":
		v, err := find(doc, tokens(op.Path))
		if err == nil && !Equal(v, op.Value) {
			err = refuse("the value is another", "la valeur est une autre")
		}
		return doc, err
	case "copy", "move":
		v, err := find(doc, tokens(op.From))
		if err != nil {
			return nil, err
		}
		if op.Op == "move" {
			if doc, err = edit(doc, tokens(op.From), removal); err != nil {
				return nil, err
			}
		}
		return edit(doc, tokens(op.Path), addition(Clone(v)))
	default:
		return nil, refuse("there is no such operation", "cette opération n’existe pas")
	}
}

func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i := range parts {
		parts[i] = unescapeToken.Replace(parts[i])
	}
	return parts
}

// slot is where an edit happens: a member of an object, an item of an array, or (neither) the whole document.
type slot struct {
	object map[string]any
	key    string
	array  []any
	index  int
	past   bool // the index is one past the end: only an addition may use it
}

var errAbsent = refuse("there is nothing at this place", "il n’y a rien à cet endroit")

// edit walks to a place and gives the document with the container there replaced by what do made of it.
func edit(doc any, path []string, do func(slot) (any, error)) (any, error) {
	if len(path) == 0 {
		return do(slot{})
	}
	switch c := doc.(type) {
	case map[string]any:
		if len(path) == 1 {
			return do(slot{object: c, key: path[0]})
		}
		child, ok := c[path[0]]
		if !ok {
			return nil, errAbsent
		}
		next, err := edit(child, path[1:], do)
		c[path[0]] = next
		return c, err
	case []any:
		i, past, err := index(path[0], len(c))
		if err != nil {
			return nil, err
		}
		if len(path) == 1 {
			return do(slot{array: c, index: i, past: past})
		}
		if past {
			return nil, errAbsent
		}
		c[i], err = edit(c[i], path[1:], do)
		return c, err
	default:
		return nil, errAbsent
	}
}

func index(token string, length int) (i int, past bool, err error) {
	if token == "-" {
		return length, true, nil
	}
	i, err = strconv.Atoi(token)
	if err != nil || i < 0 || i > length || token != strconv.Itoa(i) {
		return 0, false, errAbsent
	}
	return i, i == length, nil
}

func find(doc any, path []string) (found any, err error) {
	for _, token := range path {
		switch c := doc.(type) {
		case map[string]any:
			v, ok := c[token]
			if !ok {
				return nil, errAbsent
			}
			doc = v
		case []any:
			i, past, err := index(token, len(c))
			if err != nil || past {
				return nil, errAbsent
			}
			doc = c[i]
		default:
			return nil, errAbsent
		}
	}
	return doc, nil
}

func addition(v any) func(slot) (any, error) {
	return func(s slot) (any, error) {
		switch {
		case s.object != nil:
			s.object[s.key] = v
			return s.object, nil
		case s.array != nil || s.past:
			return slices.Insert(s.array, s.index, v), nil
		default:
			return v, nil
		}
	}
}

func replacement(v any) func(slot) (any, error) {
	return func(s slot) (any, error) {
		switch {
		case s.object != nil:
			if _, ok := s.object[s.key]; !ok {
				return nil, errAbsent
			}
			s.object[s.key] = v
			return s.object, nil
		case s.past:
			return nil, errAbsent
		case s.array != nil:
			s.array[s.index] = v
			return s.array, nil
		default:
			return v, nil
		}
	}
}

func removal(s slot) (any, error) {
	switch {
	case s.object != nil:
		if _, ok := s.object[s.key]; !ok {
			return nil, errAbsent
		}
		delete(s.object, s.key)
		return s.object, nil
	case s.past:
		return nil, errAbsent
	case s.array != nil:
		return slices.Delete(s.array, s.index, s.index+1), nil
	default:
		return nil, refuse("the whole document cannot be removed", "le document entier ne peut pas être retiré")
	}
}
