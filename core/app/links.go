package app

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// maxLink is how long a narrow link may be open.
const maxLink = 366 * 24 * time.Hour

func (c *rightsContent) checkLink(ctx context.Context, who *core.Principal, op *core.Operation, after map[string]any) error {
	if after == nil {
		return nil
	}
	if text, ok := after["expiresAt"].(string); ok {
		at, err := time.Parse(time.RFC3339, text)
		if err == nil && (at.After(c.now().Add(maxLink)) || !at.After(c.now())) && op.Op != core.OperationRestore {
			return core.Invalid(core.FieldError{Pointer: "/expiresAt", Keyword: "maximum", Message: "A link is open until a moment to come, within a year.",
				Texts: core.Text{"fr": "Un lien est ouvert jusqu’à un moment à venir, dans l’année."}})
		}
	}
	typ, _ := after["type"].(string)
	entry, _ := after["entry"].(string)
	if typ == "" || !core.ValidID(entry) {
		return nil // the schema says what is missing
	}
	g := core.Grant{Type: core.TypeName(typ), Entry: core.EntryID(entry), Actions: actions(after["actions"])}
	if list, given := after["fields"].([]any); given {
		g.Fields = []string{}
		for _, f := range list {
			name, _ := f.(string)
			g.Fields = append(g.Fields, name)
		}
	}
	return c.access.MayGiveLink(ctx, who, g)
}

func actions(v any) []core.Action {
	list, _ := v.([]any)
	out := make([]core.Action, 0, len(list))
	for _, a := range list {
		name, _ := a.(string)
		out = append(out, core.Action(name))
	}
	return out
}
