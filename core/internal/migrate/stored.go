package migrate

import (
	"context"
	"encoding/json"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// typeName is the system type whose entries are the content types.
const typeName core.TypeName = "_type"

// Where a type comes from.
const (
	sourceFile = "file" // kept beside the program, put in place when it starts
	sourceAPI  = "api"
)

// stored is an entry of "_type".
type stored struct {
	Name    core.TypeName   `json:"name"`
	Source  string          `json:"source,omitempty"`
	Schema  json.RawMessage `json:"schema"` // a text: the order of its members is part of it
	Repairs []core.Repair   `json:"repairs,omitempty"`
	Inverse []core.Repair   `json:"inverse,omitempty"`
	Pending *pending        `json:"pending,omitempty"`

	entry *core.Entry
}

// pending is what is left of a migration.
type pending struct {
	Schema  json.RawMessage `json:"schema"` // the one before
	Repairs []core.Repair   `json:"repairs"`
	By      string          `json:"by,omitempty"`
}

// text gives a schema that was stored as a text or as an object.
func text(schema json.RawMessage) []byte {
	var s string
	if json.Unmarshal(schema, &s) == nil {
		return []byte(s)
	}
	return schema
}

func quoted(schema []byte) json.RawMessage { return jsondoc.AppendString(nil, string(schema)) }

// read finds the entry of a type; nil when there is none.
func (s *Service) read(ctx context.Context, name core.TypeName) (*stored, error) {
	id, err := s.c.Catalog.Unique(ctx, typeName, "name", string(name))
	if err != nil || id == "" {
		return nil, core.Wrap("migrate.read", err)
	}
	e, err := s.c.Catalog.Entry(ctx, typeName, id)
	if err != nil {
		return nil, core.Wrap("migrate.read", err)
	}
	return readStored(e)
}

func readStored(e *core.Entry) (*stored, error) {
	t := &stored{entry: e}
	if err := decodeNumbers(effective(e), t); err != nil {
		return nil, core.Wrap("migrate.readStored", core.Errorf(core.CodeInternal, "the entry %s of _type cannot be read: %w", e.ID, err))
	}
	return t, nil
}

// effective is the document that counts: a draft beside a published one is not applied.
func effective(e *core.Entry) core.Doc {
	if e.Published != nil {
		return e.Published
	}
	return e.Draft
}

// decodeNumbers keeps the numbers in repairs as they were written.
func decodeNumbers(doc []byte, into any) error {
	v, err := jsondoc.Parse(doc)
	if err != nil {
		return err
	}
	t := into.(*stored)
	if err := json.Unmarshal(doc, t); err != nil {
		return err
	}
	m, _ := v.(map[string]any)
	takeValues(t.Repairs, m["repairs"])
	takeValues(t.Inverse, m["inverse"])
	if t.Pending != nil {
		p, _ := m["pending"].(map[string]any)
		takeValues(t.Pending.Repairs, p["repairs"])
	}
	return nil
}

func takeValues(repairs []core.Repair, from any) {
	list, _ := from.([]any)
	for i := range repairs {
		if i < len(list) {
			m, _ := list[i].(map[string]any)
			repairs[i].Value = m["value"]
		}
	}
}

// doc writes the entry's document.
func (t *stored) doc() core.Doc {
	m := map[string]any{"name": string(t.Name), "schema": string(text(t.Schema))}
	if t.Source != "" {
		m["source"] = t.Source
	}
	putRepairs(m, "repairs", t.Repairs)
	putRepairs(m, "inverse", t.Inverse)
	if p := t.Pending; p != nil {
		left := map[string]any{"schema": string(text(p.Schema)), "by": p.By}
		putRepairs(left, "repairs", p.Repairs)
		m["pending"] = left
	}
	return jsondoc.Encode(m)
}

func putRepairs(m map[string]any, name string, repairs []core.Repair) {
	if len(repairs) == 0 {
		return
	}
	list := make([]any, len(repairs))
	for i := range repairs {
		list[i] = repairMembers(&repairs[i])
	}
	m[name] = list
}

func repairMembers(r *core.Repair) map[string]any {
	m := map[string]any{"kind": r.Kind, "path": r.Path}
	if r.To != "" {
		m["to"] = r.To
	}
	if r.Value != nil {
		m["value"] = r.Value
	}
	return m
}
