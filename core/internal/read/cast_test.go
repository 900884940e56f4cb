package read_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/query"
	"github.com/palabre-cms/palabre/core/internal/read"
	"github.com/palabre-cms/palabre/core/internal/schema"
)

type registry map[core.TypeName]*core.Type

func (r registry) Type(name core.TypeName) (*core.Type, bool) {
	t, ok := r[name]
	return t, ok
}

func (r registry) Types() []*core.Type {
	var types []*core.Type
	for _, t := range r {
		types = append(types, t)
	}
	core.SortTypes(types)
	return types
}

func text(path string) core.Field {
	return core.Field{Path: path, Kind: core.KindString, Indexed: true}
}

func private(f core.Field) core.Field {
	f.Private = true
	return f
}

func ref(path string, to ...core.TypeName) core.Field {
	return core.Field{Path: path, Kind: core.KindRef, Indexed: true, Ref: &core.RefRule{Types: to}}
}

func object(path string) core.Field { return core.Field{Path: path, Kind: core.KindObject} }

func cast() registry {
	title := text("title")
	title.Search, title.Localized = 4, true
	region := text("region")
	region.Facet = true
	r := registry{}
	for _, t := range []core.Type{
		{Name: "fiche", Public: true, SlugField: "slug", TitleField: "title", GeoField: "location", Locales: []core.Locale{"fr", "en"}, Fields: []core.Field{
			title, text("slug"), region, private(text("note")), object("contact"), text("contact.name"), private(text("contact.email")), text("contact.phone"),
			{Path: "body", Kind: core.KindRichText}, {Path: "location", Kind: core.KindGeo, Indexed: true},
			object("programme"), text("programme.title"), ref("programme.speaker", "person"), private(text("programme.fee")),
			ref("partner", "partner"), ref("partners", "partner"), private(ref("secretPartner", "partner")), ref("about", "fiche", "minutes")}},
		{Name: "partner", Public: true, SlugField: "slug", TitleField: "name", Fields: []core.Field{text("name"), text("slug"), text("kind"), private(text("phone")), ref("head", "person")}},
		{Name: "person", Public: true, TitleField: "name", Fields: []core.Field{text("name"), private(text("birth")), ref("friend", "person")}},
		{Name: "minutes", TitleField: "title", Fields: []core.Field{text("title"), ref("partner", "partner")}},
	} {
		t.Validator = ordered{}
		t.Schema = core.Doc(`{"type":"object"}`)
		r[t.Name] = core.NewType(t)
	}
	return r
}

var (
	anonymous = core.Anonymous
	staff     = &core.Principal{ID: "user:1", Kind: "user", Roles: []string{"staff"}}
	north     = &core.Principal{ID: "user:2", Kind: "user", Roles: []string{"north"}}  // sees what is published, of partners and fiches those of the north
	writer    = &core.Principal{ID: "user:3", Kind: "user", Roles: []string{"writer"}} // named fields only
)

var northOnly = core.Compare{Path: core.Path{Field: "kind"}, Op: core.OpEq, Values: []any{"north"}}

// rules is an access for the four of them.
type rules struct{}

func (rules) Authenticate(context.Context, string) (*core.Principal, error) { return anonymous, nil }

func (rules) Scope(_ context.Context, p *core.Principal, t *core.Type, a core.Action) (*core.Scope, error) {
	switch {
	case p == staff:
		return staffScope, nil
	case !t.Public:
		return nil, core.Errorf(core.CodeNotFound, "There is no content type %q.", string(t.Name))
	case a == core.ActionHistory && p == writer:
		return writerScope, nil
	case a != core.ActionList && a != core.ActionRead:
		return nil, core.Errorf(core.CodeForbidden, "Your role does not allow this.")
	case p == north && t.Name == "partner":
		return northScope, nil
	case p == writer:
		return writerScope, nil
	}
	return publicScope, nil
}

var (
	staffScope  = &core.Scope{Key: "staff", Read: core.FieldSet{All: true}, Write: core.FieldSet{All: true}, Drafts: true, Private: true}
	publicScope = &core.Scope{Key: "public", Read: core.FieldSet{All: true}}
	northScope  = &core.Scope{Key: "north", Read: core.FieldSet{All: true}, Where: northOnly}
	writerScope = &core.Scope{Key: "writer", Read: core.FieldSet{Only: map[string]bool{"title": true, "contact.name": true, "note": true}}}
)

// world is a reader over a few entries.
type world struct {
	*read.Reader
	m     *memory
	t     *testing.T
	hooks *core.Hooks
}

func newWorld(t *testing.T) *world {
	t.Helper()
	types, m, hooks := cast(), newMemory(), &core.Hooks{}
	q := query.New(types, rules{}, []byte("0123456789abcdef0123456789abcdef"))
	r := read.New(read.Parts{Types: types, Access: rules{}, Catalog: m, Queries: q, Content: content{memory: m}, Log: commitLog{m: m}, Hooks: hooks, Prune: schema.Visible})
	return &world{Reader: r, m: m, t: t, hooks: hooks}
}

type content struct {
	core.Content
	*memory
}

func (c content) Revision(ctx context.Context, t core.TypeName, id core.EntryID, rev int64) (*core.Entry, error) {
	return c.memory.Revision(ctx, t, id, rev)
}

// id makes an identifier out of a short name, without the letters that no identifier has: i, l, o, u.
func id(name string) core.EntryID {
	return core.EntryID("01jd" + strings.Repeat("0", 22-len(name)) + name)
}

// publish stores a published entry.
func (w *world) publish(t core.TypeName, name, doc string) {
	w.m.put(core.ActionPublish, w.entry(t, name, "", doc))
}

// draft stores an entry with a draft alone.
func (w *world) draft(t core.TypeName, name, doc string) {
	w.m.put(core.ActionCreate, w.entry(t, name, doc, ""))
}

func (w *world) entry(t core.TypeName, name, draft, published string) *core.Entry {
	at := clock
	e := &core.Entry{Type: t, ID: id(name), Draft: compact(draft), Published: compact(published), Meta: core.Meta{
		Rev: 1, Status: core.StatusDraft, CreatedAt: clock, CreatedBy: "user:1", UpdatedAt: clock, UpdatedBy: "user:1"}}
	if published != "" {
		e.Status, e.PublishedAt, e.Live = core.StatusPublished, &at, &core.Live{Rev: 1, At: clock}
	}
	return e
}

func (w *world) answer(p *core.Pending, err error) (*core.Answer, error) {
	w.t.Helper()
	if err != nil {
		return nil, err
	}
	return p.Answer(w.t.Context())
}

func params(raw string) url.Values {
	v, err := url.ParseQuery(raw)
	if err != nil {
		panic(err)
	}
	return v
}

func (w *world) list(who *core.Principal, t core.TypeName, raw string) *core.Answer {
	w.t.Helper()
	a, err := w.answer(w.List(w.t.Context(), who, t, params(raw)))
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) one(who *core.Principal, t core.TypeName, name, raw string) (*core.Answer, error) {
	w.t.Helper()
	if len(name) < 10 {
		name = string(id(name))
	}
	return w.answer(w.One(w.t.Context(), who, t, name, params(raw)))
}

func wantBody(t *testing.T, a *core.Answer, want string) {
	t.Helper()
	if want = string(compact(want)); string(a.Body) != want {
		t.Errorf("got  %s\nwant %s", a.Body, want)
	}
}

func wantCode(t *testing.T, err error, want core.Code) {
	t.Helper()
	if got := core.CodeOf(err); got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}
