package read

import (
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// The budget of one answer: how many documents are looked up for it, how often they are embedded, and how long it may
// be before nothing more is. What is beyond stays a reference.
const (
	maxDocuments = 200
	maxEmbedded  = 4000
	maxBody      = 8 << 20
)

type refKey struct {
	t  core.TypeName
	id core.EntryID
}

// wanted is one reference to follow.
type wanted struct {
	key refKey
	to  *target
}

// placed is an entry with how it is shown.
type placed struct {
	it *item
	sh *shape
}

// gather looks up what the references in entries lead to and what refers to them, level by level, each document once.
func (x *writer) gather(items []item, sh *shape) error {
	if !sh.gathers() {
		return nil
	}
	x.found, x.listings = map[refKey]*item{}, map[listKey]*listing{}
	level := make([]placed, len(items))
	for i := range items {
		level[i] = placed{&items[i], sh}
	}
	for len(level) > 0 {
		var err error
		if level, err = x.below(level); err != nil {
			return err
		}
	}
	return nil
}

// below looks up what one level leads to, and gives that as the next.
func (x *writer) below(level []placed) (next []placed, err error) {
	var refs []wanted
	var lists []listKey
	for _, p := range level {
		refs = appendWanted(refs, p.it.doc, p.sh.plan)
		for _, l := range p.sh.lists {
			lists = append(lists, listKey{l, p.it.view.ID})
		}
	}
	refs, lists = distinct(refs), distinct(lists)
	if err := x.fetch(refs); err != nil {
		return nil, err
	}
	if err := x.fetchLists(lists); err != nil {
		return nil, err
	}
	for _, w := range refs {
		next = x.place(next, x.found[w.key], w.to)
	}
	for _, key := range lists {
		for _, it := range x.listings[key].items {
			next = x.place(next, it, key.list.target)
		}
	}
	return distinct(next), nil
}

// place adds an entry to a level when there is something below it.
func (x *writer) place(level []placed, it *item, to *target) []placed {
	if it == nil || len(to.next) == 0 {
		return level
	}
	return append(level, placed{it, x.shapeOf(to, it)})
}

func distinct[E comparable](list []E) []E {
	seen := make(map[E]bool, len(list))
	return slices.DeleteFunc(list, func(e E) bool {
		was := seen[e]
		seen[e] = true
		return was
	})
}

// appendWanted finds the references that a plan embeds.
func appendWanted(list []wanted, doc []byte, p *plan) []wanted {
	if !p.embeds {
		return list
	}
	for name, v := range jsondoc.Members(doc) {
		if c := p.member(name); c.embeds {
			list = appendWantedOf(list, v, c)
		}
	}
	return list
}

func appendWantedOf(list []wanted, v []byte, p *plan) []wanted {
	if len(v) > 0 && v[0] == '[' {
		for e := range jsondoc.Elements(v) {
			list = appendWantedOf(list, e, p)
		}
		return list
	}
	if p.fate != embed {
		return appendWanted(list, v, p)
	}
	if key, ok := parseRef(v); ok {
		list = append(list, wanted{key, p.target})
	}
	return list
}

// parseRef reads {"_ref": id, "_type": type}. The strings are copies: an answer outlives the document's memory.
func parseRef(v []byte) (refKey, bool) {
	var key refKey
	for name, value := range jsondoc.Members(v) {
		if len(value) < 2 || value[0] != '"' {
			continue
		}
		switch name {
		case "_ref":
			key.id = core.EntryID(value[1 : len(value)-1])
		case "_type":
			key.t = core.TypeName(value[1 : len(value)-1])
		}
	}
	return key, key.id != "" && key.t != ""
}

// fetch looks up what is not yet known, within the budget. What is looked for in vain counts like what is found.
func (x *writer) fetch(level []wanted) error {
	ids := map[core.TypeName][]core.EntryID{}
	for _, w := range level {
		if _, known := x.found[w.key]; known || x.looked >= maxDocuments {
			continue
		}
		x.looked++
		x.found[w.key] = nil
		ids[w.key.t] = append(ids[w.key.t], w.key.id)
	}
	for name, list := range ids {
		if err := x.fetchType(name, list); err != nil {
			return err
		}
	}
	return nil
}

func (x *writer) fetchType(name core.TypeName, ids []core.EntryID) error {
	t, s := x.reached(name)
	if t == nil {
		return nil
	}
	state := targetState(x.asked.State, s)
	if err := x.fetchIn(t, s, state, ids); err != nil || state == core.StatePublished || s.Draft == nil {
		return err
	}
	// Of what is another's draft, what is published may still be seen.
	ids = slices.DeleteFunc(ids, func(id core.EntryID) bool { return x.found[refKey{name, id}] != nil })
	return x.fetchIn(t, s, core.StatePublished, ids)
}

func (x *writer) fetchIn(t *core.Type, s *core.Scope, state core.State, ids []core.EntryID) error {
	if len(ids) == 0 {
		return nil
	}
	views, err := x.r.visible(x.ctx, x.who, t, s, state, ids)
	if err != nil {
		return err
	}
	items, err := x.items(t, s, state, views)
	if err != nil {
		return err
	}
	for i := range items {
		x.found[refKey{t.Name, items[i].view.ID}] = &items[i]
	}
	return nil
}

// reached gives a type that the caller may list, and how; nil for any other.
func (x *writer) reached(name core.TypeName) (*core.Type, *core.Scope) {
	for i := range x.asked.Reach {
		if x.asked.Reach[i].Type.Name == name {
			return x.asked.Reach[i].Type, x.asked.Reach[i].Scope
		}
	}
	if name == x.own.t.Name {
		return x.own.t, x.asked.Scope
	}
	return nil, nil
}

// targetState is the state in which embedded entries are shown: what refers to them may lie in the trash, they do not.
func targetState(asked core.State, s *core.Scope) core.State {
	if asked == core.StatePublished || !s.Drafts {
		return core.StatePublished
	}
	return core.StateDraft
}

// shapeOf gives how entries of a type are embedded at a place, in the state in which this one is shown.
func (x *writer) shapeOf(to *target, it *item) *shape {
	key := shapeKey{it.view.Type, it.state}
	if sh, ok := to.shapes[key]; ok {
		return sh
	}
	t, s := x.reached(key.t)
	sh := new(shape)
	*sh = x.shape(t, s.In(key.state), key.state, to.fields, to.next)
	if to.shapes == nil {
		to.shapes = map[shapeKey]*shape{}
	}
	to.shapes[key] = sh
	return sh
}

// reference writes what a reference leads to, or the reference as it is stored.
func (x *writer) reference(b, v []byte, to *target) []byte {
	key, ok := parseRef(v)
	if !ok || x.spent >= maxEmbedded || len(b) > maxBody {
		return append(b, v...)
	}
	it := x.found[key]
	if it == nil {
		return append(b, v...)
	}
	x.spent++
	return x.entry(b, it, x.shapeOf(to, it))
}
