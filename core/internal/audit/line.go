package audit

import (
	"encoding/json"

	"github.com/palabre-cms/palabre/core"
)

// row is a line with its place in the commit.
type row struct {
	core.AuditLine
	index int
}

// rows are the lines of a commit, one for each change.
func rows(c *core.Commit) []row {
	list := make([]row, len(c.Changes))
	for i := range c.Changes {
		list[i] = row{lineOf(c, &c.Changes[i]), i}
	}
	return list
}

func lineOf(c *core.Commit, ch *core.Change) core.AuditLine {
	l := core.AuditLine{Position: c.Position, At: c.At, By: c.By, Event: eventOf(ch), Type: ch.Type, Entry: ch.Entry,
		Rev: ch.Meta.Rev, Reason: c.Reason, Comment: ch.Comment, Origin: c.Origin}
	switch {
	case ch.Type == Type && ch.Op == core.OpPut && ch.Meta.Rev == 1:
		tell(&l, ch)
	case named(ch.Type):
		l.Detail = nameIn(ch)
	}
	return l
}

// eventOf is the intent of a write.
func eventOf(ch *core.Change) string {
	switch {
	case ch.Op == core.OpRedact:
		return string(core.ActionRedact)
	case ch.Action != "":
		return string(ch.Action)
	case ch.Op == core.OpPurge:
		return string(core.ActionPurge)
	}
	return string(core.ActionUpdate)
}

// noted is an entry of _audit.
type noted struct {
	Event  string         `json:"event"`
	Type   core.TypeName  `json:"type"`
	Entry  core.EntryID   `json:"entry"`
	Count  int            `json:"count"`
	Detail map[string]any `json:"detail"`
}

// tell makes the line of a noted event of the line of its entry's creation. An entry out of which an erasure has taken
// what it said keeps the latter.
func tell(l *core.AuditLine, ch *core.Change) {
	var n noted
	if json.Unmarshal(latest(ch), &n) != nil || n.Event == "" {
		return
	}
	l.Event, l.Type, l.Entry, l.Count, l.Detail, l.Rev, l.Reason = n.Event, n.Type, n.Entry, n.Count, n.Detail, 0, ""
}

// named are the types whose entries are known to people by a name that names nobody.
func named(name core.TypeName) bool { return name == "_type" || name == "_role" }

// nameIn is the name in a change's document, as the line's detail; nil where there is none.
func nameIn(ch *core.Change) map[string]any {
	var doc struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(latest(ch), &doc) != nil || doc.Name == "" {
		return nil
	}
	return map[string]any{"name": doc.Name}
}

// latest is the document that a change has written; nil when it left both as they were.
func latest(ch *core.Change) core.Doc {
	for _, d := range [...]core.Doc{ch.Draft, ch.Published} {
		if d != nil && !core.IsNull(d) {
			return d
		}
	}
	return nil
}
