package read

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// hiddenTargets lists the types that references of a type lead to and that the caller must not know of.
func (r *Reader) hiddenTargets(ctx context.Context, who *core.Principal, t *core.Type) []core.TypeName {
	var hidden []core.TypeName
	for _, f := range t.Refs() {
		if f.Ref == nil {
			continue
		}
		for _, name := range f.Ref.Types {
			if _, _, err := r.scoped(ctx, who, name, core.ActionList); err != nil && !slices.Contains(hidden, name) {
				hidden = append(hidden, name)
			}
		}
	}
	return hidden
}

// withoutTargets takes the names of types out of the x-ref annotations of a schema, and leaves the rest as it was written.
func withoutTargets(schema core.Doc, hidden []core.TypeName) (core.Doc, error) {
	w := targets{d: json.NewDecoder(bytes.NewReader(schema)), from: schema, hidden: hidden}
	w.d.UseNumber()
	w.value()
	if w.err != nil {
		return nil, core.Wrap("read.withoutTargets", w.err)
	}
	return append(w.out, schema[w.copied:]...), nil
}

// targets walks a schema and copies what it passes, up to the first fault.
type targets struct {
	d      *json.Decoder
	from   []byte
	copied int // how much of from is in out, as it was or changed
	out    []byte
	hidden []core.TypeName
	err    error
}

func (w *targets) token() (tok json.Token) {
	if w.err == nil {
		tok, w.err = w.d.Token()
	}
	return tok
}

// value walks one value.
func (w *targets) value() {
	switch w.token() {
	case json.Delim('{'):
		for w.err == nil && w.d.More() {
			if w.token() == "x-ref" {
				w.annotation()
			} else {
				w.value()
			}
		}
		w.token()
	case json.Delim('['):
		for w.err == nil && w.d.More() {
			w.value()
		}
		w.token()
	}
}

// annotation writes an x-ref in the place of the one that was given.
func (w *targets) annotation() {
	var raw json.RawMessage
	if w.err = w.d.Decode(&raw); w.err != nil {
		return
	}
	end := int(w.d.InputOffset())
	var compact bytes.Buffer
	if w.err = json.Compact(&compact, raw); w.err != nil {
		return
	}
	w.out = append(w.out, w.from[w.copied:end-len(raw)]...)
	w.out = append(w.out, w.narrowed(compact.Bytes())...)
	w.copied = end
}

// narrowed is an x-ref, or its list of types, without those that are hidden: a name, a list of names, or an object.
func (w *targets) narrowed(given []byte) []byte {
	switch v, err := jsondoc.Parse(given); v := v.(type) {
	case string:
		if slices.Contains(w.hidden, core.TypeName(v)) {
			return []byte("[]")
		}
	case []any:
		return jsondoc.Encode(slices.DeleteFunc(v, func(name any) bool {
			text, _ := name.(string)
			return slices.Contains(w.hidden, core.TypeName(text))
		}))
	case map[string]any:
		return w.narrowedObject(given)
	default:
		w.err = err
	}
	return given
}

func (w *targets) narrowedObject(given []byte) []byte {
	out := []byte{'{'}
	for name, value := range jsondoc.Members(given) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		if name == "types" {
			value = w.narrowed(value)
		}
		out = append(append(jsondoc.AppendString(out, name), ':'), value...)
	}
	return append(out, '}')
}
