package read

import (
	"maps"
	"strings"
	"sync"

	"github.com/palabre-cms/palabre/core"
)

type fate uint8

const (
	leave   fate = iota // not shown
	whole               // copied as it is stored
	descend             // an object, or objects in an array: member by member
	embed               // a reference, or references: what they lead to is shown in their place
	render              // rich text: written as html or text
)

// plan says what becomes of a member of a document. A plan is not changed once it is made.
type plan struct {
	fate    fate
	rest    fate // descend: of the members that are not named, leave or whole
	members map[string]*plan
	marks   uint64  // of the names of members: most others are told by it without a look into the map
	target  *target // embed
	embeds  bool    // whether an embed is somewhere in it
}

// target is what an include wants of the entries that a reference leads to.
type target struct {
	next   []core.Include
	fields *selection
	shapes map[shapeKey]*shape
}

type shapeKey struct {
	t     core.TypeName
	state core.State
}

var (
	leavePlan  = &plan{fate: leave}
	wholePlan  = &plan{fate: whole}
	renderPlan = &plan{fate: render}
)

// mark gives one of 64 bits for a name.
func mark(name string) uint64 {
	if name == "" {
		return 1
	}
	return 1 << ((uint(len(name)) + uint(name[0])*3 + uint(name[len(name)-1])*17) % 64)
}

// put sets what becomes of a member, while the plan is made.
func (p *plan) put(name string, c *plan) {
	if p.members == nil {
		p.members = map[string]*plan{}
	}
	p.members[name] = c
	p.marks |= mark(name)
	p.embeds = p.embeds || c.embeds
}

func (p *plan) member(name string) *plan {
	if p.marks&mark(name) != 0 {
		if c, ok := p.members[name]; ok {
			return c
		}
	}
	if p.rest == whole || p.fate == whole {
		return wholePlan
	}
	return leavePlan
}

// masks remembers the plan of each type under each scope: it is asked for at every request.
type masks struct {
	mu    sync.RWMutex
	plans map[maskKey]*plan
}

type maskKey struct {
	t     *core.Type
	scope string
}

// maxMasks bounds what is remembered: types that were replaced and scopes that went away are forgotten with the rest.
const maxMasks = 1000

func (m *masks) of(t *core.Type, s *core.Scope) *plan {
	if s.Key == "" {
		return newMask(t, s)
	}
	key := maskKey{t, s.Key}
	m.mu.RLock()
	p, ok := m.plans[key]
	m.mu.RUnlock()
	if ok {
		return p
	}
	p = newMask(t, s)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.plans == nil || len(m.plans) >= maxMasks {
		m.plans = map[maskKey]*plan{}
	}
	m.plans[key] = p
	return p
}

// newMask shows what may be read, and leaves out the rest and the reserved members.
func newMask(t *core.Type, s *core.Scope) *plan {
	root := &node{shown: s.Read.All}
	for i := range t.Fields {
		root.at(t.Fields[i].Path).shown = s.Readable(t, t.Fields[i].Path)
	}
	p := &plan{fate: descend, rest: leave}
	if root.shown {
		p.rest = whole
	}
	p.put(core.DocLocale, leavePlan)
	p.put(core.DocTranslations, leavePlan)
	for name, child := range root.below {
		if c := child.plan(); c != p.member(name) {
			p.put(name, c)
		}
	}
	return p
}

// node is a field on the way to a mask.
type node struct {
	shown bool
	below map[string]*node
}

func (n *node) at(path string) *node {
	for name := range strings.SplitSeq(path, ".") {
		child := n.below[name]
		if child == nil {
			child = &node{}
			if n.below == nil {
				n.below = map[string]*node{}
			}
			n.below[name] = child
		}
		n = child
	}
	return n
}

// plan copies or leaves out as much at once as it can.
func (n *node) plan() *plan {
	p, fallback := &plan{fate: descend, rest: leave}, leavePlan
	if n.shown {
		p.rest, fallback = whole, wholePlan
	}
	for name, child := range n.below {
		if c := child.plan(); c != fallback {
			p.put(name, c)
		}
	}
	if p.members == nil {
		return fallback
	}
	return p
}

// selection is the tree of names in fields; one without names below it is taken whole.
type selection struct{ below map[string]*selection }

func newSelection(fields []string) *selection {
	if fields == nil {
		return nil
	}
	root := &selection{}
	for _, path := range fields {
		root.add(path)
	}
	return root
}

func (s *selection) add(path string) {
	for name := range strings.SplitSeq(path, ".") {
		if s.below == nil {
			s.below = map[string]*selection{}
		}
		if s.below[name] == nil {
			s.below[name] = &selection{}
		}
		s = s.below[name]
	}
}

// at gives what is selected below a path; nil is everything.
func (s *selection) at(path string) *selection {
	if s == nil {
		return nil
	}
	for name := range strings.SplitSeq(path, ".") {
		if s = s.below[name]; s == nil || s.below == nil {
			return nil
		}
	}
	return s
}

// only keeps what is selected. What is selected below a reference is for what is embedded there.
func (p *plan) only(s *selection, t *core.Type, prefix string) *plan {
	out := &plan{fate: descend, rest: leave}
	for name, below := range s.below {
		child := p.member(name)
		if child.fate == leave {
			continue
		}
		path := prefix + name
		f, ok := t.Field(path)
		if below.below != nil && !(ok && f.Kind == core.KindRef) {
			child = child.only(below, t, path+".")
		}
		out.put(name, child)
	}
	return out
}

// graft puts a plan in place of the one at a path, unless the path is not shown. It alters nothing.
func (p *plan) graft(path string, put *plan) *plan {
	name, rest, more := strings.Cut(path, ".")
	child := p.member(name)
	if child.fate == leave {
		return p
	}
	if more {
		put = child.graft(rest, put)
	}
	out := &plan{fate: descend, rest: p.rest, members: maps.Clone(p.members), marks: p.marks, embeds: p.embeds}
	if p.fate == whole {
		out.rest = whole
	}
	out.put(name, put)
	return out
}

// shape is how the entries of one type are shown in an answer.
type shape struct {
	t     *core.Type
	scope *core.Scope
	plan  *plan
	show  member     // what the system adds
	all   bool       // no fields are named: what plugins add is shown too
	named *selection // else: what is named
	lists []*inverse // of what refers to the entries

	state   core.State
	include []core.Include
}

// gathers reports whether other entries are embedded.
func (sh *shape) gathers() bool { return sh.plan.embeds || len(sh.lists) > 0 }

// shape makes the plan of a request for one type, of a scope as it holds for the state and the rows.
func (r *Reader) shape(t *core.Type, s *core.Scope, state core.State, fields *selection, include []core.Include, richText string) shape {
	sh := shape{t: t, scope: s, plan: r.masks.of(t, s), show: membersOf(state), all: fields == nil, named: fields}
	if fields != nil {
		sh.plan, sh.show = sh.plan.only(fields, t, ""), namedMembers(fields)
	}
	for _, i := range include {
		if f, ok := t.Field(i.Field); ok && f.Kind == core.KindRef && s.Readable(t, i.Field) {
			put := &plan{fate: embed, embeds: true, target: &target{next: i.Next, fields: fields.at(i.Field)}}
			sh.plan = sh.plan.graft(i.Field, put)
		}
	}
	if richText != "" {
		sh.renderRichText()
	}
	return sh
}

func (sh *shape) renderRichText() {
	for i := range sh.t.Fields {
		if f := &sh.t.Fields[i]; f.Kind == core.KindRichText {
			sh.plan = sh.plan.graft(f.Path, renderPlan)
		}
	}
}
