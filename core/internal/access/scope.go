package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/palabre-cms/palabre/core"
)

// scopeKey is what a scope depends on, beside the values of a principal where a condition asks for them.
type scopeKey struct {
	roles  string
	nobody bool // is told to sign in rather than that he may not
	t      *core.Type
	action core.Action
}

// personalKey is scopeKey for a principal who is told apart by a condition, or by a link.
type personalKey struct {
	scopeKey
	who string
	rev int64
}

// scopeAnswer is a scope, or why there is none.
type scopeAnswer struct {
	scope    *core.Scope
	err      error
	personal bool
}

// boundedScopes remembers scopes of principals, and forgets all when there are many.
type boundedScopes struct {
	mu   sync.RWMutex
	made map[personalKey]scopeAnswer
}

const maxPersonal = 4096

func (b *boundedScopes) get(k personalKey) (scopeAnswer, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s, ok := b.made[k]
	return s, ok
}

func (b *boundedScopes) put(k personalKey, s scopeAnswer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made == nil || len(b.made) >= maxPersonal {
		b.made = map[personalKey]scopeAnswer{}
	}
	b.made[k] = s
}

// scope finds a scope, or makes it.
func (a *Access) scope(ctx context.Context, pol *policy, who *core.Principal, t *core.Type, action core.Action) (*core.Scope, error) {
	_, joined := rolesOf(who)
	key := scopeKey{joined, who.Anonymous(), t, action}
	if known, ok := pol.scopes.Load(key); ok && who.Grant == nil {
		s := known.(scopeAnswer)
		return s.scope, s.err
	}
	own := personalKey{key, who.ID, who.Rev}
	if s, ok := pol.personal.get(own); ok {
		return s.scope, s.err
	}
	s := a.makeScope(ctx, pol, who, t, action)
	switch {
	case isFault(s.err), s.scope != nil && s.scope.Key == "", !a.lasting(t, action):
	case s.personal || who.Grant != nil:
		pol.personal.put(own, s)
	default:
		pol.scopes.Store(key, s)
	}
	return s.scope, s.err
}

func isFault(err error) bool {
	switch core.CodeOf(err) {
	case "", core.CodeNotFound, core.CodeForbidden, core.CodeUnauthenticated:
		return false
	}
	return true
}

func (a *Access) makeScope(ctx context.Context, pol *policy, who *core.Principal, t *core.Type, action core.Action) scopeAnswer {
	g := a.granting(ctx, pol, who, t)
	faces, err := g.faces(action)
	if err != nil {
		return scopeAnswer{err: core.Wrap("access.Scope", err)}
	}
	g.openByLink(action, &faces)
	if faces.empty() {
		personal, err := g.refusal(action)
		return scopeAnswer{err: err, personal: personal}
	}
	s := g.build(faces)
	if faces.looks || faces.all {
		if s.Write, err = g.settable(); err != nil {
			return scopeAnswer{err: core.Wrap("access.Scope", err)}
		}
	}
	return scopeAnswer{scope: s, personal: faces.personal()}
}

// settable is what the caller may set of the type in any entry at all: who looks at a type is shown what a form needs.
func (g *granting) settable() (core.FieldSet, error) {
	var all fieldBits
	for _, action := range []core.Action{core.ActionCreate, core.ActionUpdate} {
		refs, err := g.covers(action)
		if err != nil {
			return core.FieldSet{}, err
		}
		grants, err := g.of(refs)
		if err != nil {
			return core.FieldSet{}, err
		}
		for i := range grants {
			all = all.or(grants[i].write)
		}
	}
	if all.all == nil {
		return core.FieldSet{}, nil
	}
	return all.set(g.t), nil
}

// faces are the grants for what is published and for everything else. Rights to change something have the first only.
type faces struct {
	published, drafts []grant
	looks             bool // the action is one of looking
	all               bool // it looks at everything of the rows, published or not
}

func (f *faces) empty() bool { return len(f.published) == 0 && len(f.drafts) == 0 }

func (f *faces) personal() bool {
	personal := func(g grant) bool { return g.personal }
	return slices.ContainsFunc(f.published, personal) || slices.ContainsFunc(f.drafts, personal)
}

func (f *faces) passing() bool {
	passing := func(g grant) bool { return g.passing }
	return slices.ContainsFunc(f.published, passing) || slices.ContainsFunc(f.drafts, passing)
}

// faces finds the grants for an action.
func (g *granting) faces(action core.Action) (faces, error) {
	refs, err := g.covers(action)
	if err != nil {
		return faces{}, err
	}
	f := faces{looks: action == core.ActionList || action == core.ActionRead || action == core.ActionExport, all: action == core.ActionHistory}
	if f.published, err = g.of(refs); err != nil {
		return faces{}, err
	}
	switch {
	case f.looks:
		f.drafts, err = g.drafts(refs)
	case len(f.published) == 0:
		f.published, err = g.byWorkflow(action)
	}
	return f, err
}

// byWorkflow are the grants for a transition that names the roles which may make it: for the entries whose drafts they see.
func (g *granting) byWorkflow(action core.Action) ([]grant, error) {
	named := slices.ContainsFunc(g.t.Workflow.Transitions, func(w core.Transition) bool {
		return w.Name == string(action) && slices.ContainsFunc(g.roles, func(r string) bool { return slices.Contains(w.Roles, r) })
	})
	if !named {
		return nil, nil
	}
	reading, err := g.covers(core.ActionRead)
	if err != nil {
		return nil, err
	}
	return g.drafts(reading)
}

// openByLink adds what a narrow link opens.
func (g *granting) openByLink(action core.Action, f *faces) {
	link := g.who.Grant
	if link == nil {
		return
	}
	if g.t.Name == CommentType {
		g.openComments(action, f)
		return
	}
	if g.t.Name != link.Type {
		return
	}
	asked := action
	if action == core.ActionList {
		asked = core.ActionRead
	}
	if !slices.Contains(link.Actions, asked) {
		return
	}
	p := permission{Fields: permissionLists{Read: link.Fields}}
	made := grant{where: equal("_id", string(link.Entry)), text: "_id=" + string(link.Entry)}
	made.read, made.write = p.lists(g.t, g.roles)
	made.personal = true
	if f.looks {
		f.drafts = append(f.drafts, made)
		return
	}
	f.published = append(f.published, made)
}

// openComments lets the holder of a link that is for commenting see and make remarks on its entry, and on no other.
func (g *granting) openComments(action core.Action, f *faces) {
	link := g.who.Grant
	looks := f.looks && action != core.ActionExport
	if !slices.Contains(link.Actions, core.ActionComment) || !looks && action != core.ActionCreate {
		return
	}
	made := grant{where: core.And{equal("entry", string(link.Entry)), equal("type", string(link.Type))}, text: "entry=" + string(link.Entry)}
	p := permission{Fields: permissionLists{Read: []string{"*"}, Write: []string{"type", "entry", "field", "text", "author", "answer"}}}
	made.read, made.write = p.lists(g.t, g.roles)
	made.personal = true
	f.published = append(f.published, made)
	if looks {
		f.drafts = append(f.drafts, made)
	}
}

func equal(field, value string) core.Node {
	return core.Compare{Path: core.Path{Field: field}, Op: core.OpEq, Values: []any{value}}
}

// refusal says no, so that a type which the caller may not see at all is as one that does not exist.
func (g *granting) refusal(action core.Action) (personal bool, err error) {
	for _, look := range []core.Action{core.ActionList, core.ActionRead, core.ActionCreate, core.ActionExport, core.ActionManage, seeDrafts} {
		if look == action {
			continue
		}
		refs, err := g.covers(look)
		if err != nil {
			return false, err
		}
		grants, err := g.of(refs)
		if err != nil {
			return false, err
		}
		if len(grants) > 0 {
			return grants[0].personal, refuse(g.who)
		}
	}
	if link := g.who.Grant; link != nil && (link.Type == g.t.Name || g.t.Name == CommentType && slices.Contains(link.Actions, core.ActionComment)) {
		return true, refuse(g.who)
	}
	return true, core.NoType(g.t.Name)
}

func refuse(p *core.Principal) error {
	if p.Anonymous() {
		return &core.Error{Code: core.CodeUnauthenticated, Message: "Sign in, or send an API token: Authorization: Bearer pal_….",
			Texts: core.Text{"fr": "Connectez-vous, ou envoyez un jeton d’API : Authorization: Bearer pal_…."}}
	}
	return &core.Error{Code: core.CodeForbidden, Message: "Your role does not allow this.", Texts: core.Text{"fr": "Votre rôle ne le permet pas."}}
}

// build makes a scope of grants.
func (g *granting) build(f faces) *core.Scope {
	s := g.face(f.published)
	s.Drafts = f.all || len(f.drafts) > 0
	if s.Drafts && !f.all {
		if drafts := g.face(f.drafts); drafts.Key != s.Key {
			drafts.Drafts = true
			drafts.Key += "d"
			s.Draft = drafts
			s.Key += "/" + drafts.Key
		}
	}
	if s.Drafts {
		s.Key += "d"
	}
	if f.passing() {
		s.Key = ""
		if s.Draft != nil {
			s.Draft.Key = ""
		}
	}
	g.noteLooks(s)
	return s
}

// face adds grants up. What holds for every row is the scope's own; what holds for some rows comes beside it.
func (g *granting) face(grants []grant) *core.Scope {
	if len(grants) == 0 {
		return &core.Scope{Key: "none", Where: core.Or{}}
	}
	s := &core.Scope{Where: rows(grants)}
	baseRead, baseWrite := base(grants)
	s.Read, s.Write, s.Private = baseRead.set(g.t), baseWrite.set(g.t), baseRead.private(g.t)
	key := sha256.New()
	for _, text := range texts(grants) {
		key.Write([]byte(text + "\n"))
	}
	key.Write([]byte(baseRead.text() + "\n" + baseWrite.text()))
	for _, set := range beyond(grants, baseRead, baseWrite) {
		if len(s.More) == 64 {
			break
		}
		s.More = append(s.More, core.MoreFields{Where: rows(set), Read: set[0].read.set(g.t), Write: set[0].write.set(g.t), Private: set[0].read.private(g.t)})
		key.Write([]byte("\n+" + strings.Join(texts(set), " ") + set[0].read.text() + set[0].write.text()))
	}
	s.Key = hex.EncodeToString(key.Sum(nil)[:12])
	return s
}

// rows is the condition that any of the grants' holds.
func rows(grants []grant) core.Node {
	var any core.Or
	seen := map[string]bool{}
	for i := range grants {
		g := &grants[i]
		if g.where == nil {
			return nil
		}
		if !seen[g.text] {
			seen[g.text] = true
			any = append(any, g.where)
		}
	}
	if len(any) == 1 {
		return any[0]
	}
	return any
}

// texts are the conditions of grants as text, "" for a grant of every row alone.
func texts(grants []grant) []string {
	var list []string
	for i := range grants {
		if grants[i].where == nil {
			return []string{""}
		}
		list = append(list, grants[i].text)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// base is the fields that every row has: those of the grants of every row together, or else those that all grants share.
func base(grants []grant) (read, write fieldBits) {
	found := false
	for i := range grants {
		if g := &grants[i]; g.where == nil {
			if !found {
				read, write, found = g.read, g.write, true
				continue
			}
			read, write = read.or(g.read), write.or(g.write)
		}
	}
	if found {
		return read, write
	}
	for i := range grants {
		if i == 0 {
			read, write = grants[i].read, grants[i].write
			continue
		}
		read, write = read.and(grants[i].read), write.and(grants[i].write)
	}
	return read, write
}

// beyond groups the grants that give more than the base by what they give, in their order.
func beyond(grants []grant, read, write fieldBits) [][]grant {
	at := map[string]int{}
	var sets [][]grant
	for i := range grants {
		g := grants[i]
		if g.where == nil || g.read.within(read) && g.write.within(write) {
			continue
		}
		key := g.read.text() + " " + g.write.text()
		k, known := at[key]
		if !known {
			k = len(sets)
			at[key], sets = k, append(sets, nil)
		}
		sets[k] = append(sets[k], g)
	}
	return sets
}

// noteLooks lists the other types that conditions look into.
func (g *granting) noteLooks(s *core.Scope) {
	for _, face := range []*core.Scope{s, s.Draft} {
		if face == nil {
			continue
		}
		names := looksInto(face.Where, g.t, g.a.Types)
		for i := range face.More {
			names = append(names, looksInto(face.More[i].Where, g.t, g.a.Types)...)
		}
		for _, name := range names {
			if !slices.Contains(s.LooksInto, name) {
				s.LooksInto = append(s.LooksInto, name)
			}
		}
	}
	slices.Sort(s.LooksInto)
}

// String names a permission in the log.
func (r ref) String() string { return r.role + "[" + strconv.Itoa(r.index) + "]" }
