package query_test

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/query"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// registry is a fixed set of types.
type registry map[core.TypeName]*core.Type

func (r registry) Type(name core.TypeName) (*core.Type, bool) {
	t, ok := r[name]
	return t, ok
}

func (r registry) Types() []*core.Type {
	types := slices.Collect(maps.Values(r))
	core.SortTypes(types)
	return types
}

func registryOf(types ...core.Type) registry {
	r := registry{}
	for _, t := range types {
		r[t.Name] = core.NewType(t)
	}
	return r
}

func text(path string) core.Field {
	return core.Field{Path: path, Kind: core.KindString, Indexed: true}
}

func kind(path string, k core.Kind) core.Field { return core.Field{Path: path, Kind: k, Indexed: true} }

func ref(path string, to ...core.TypeName) core.Field {
	return core.Field{Path: path, Kind: core.KindRef, Indexed: true, Ref: &core.RefRule{Types: to}}
}

func with(f core.Field, change func(*core.Field)) core.Field {
	change(&f)
	return f
}

func hide(f *core.Field)  { f.Private = true }
func facet(f *core.Field) { f.Facet = true }

// world is the types of these tests: fiche → partner → person, and minutes, which the public may not list.
// Without the hidden fields it is the world in which they were never made.
func world(hidden bool) registry {
	fiche := core.Type{Name: "fiche", Public: true, GeoField: "location", Locales: []core.Locale{"fr", "en"},
		Order: []core.SortKey{{Path: core.Path{Field: "secretRank"}}, {Path: core.Path{Field: "year"}, Desc: true}},
		Fields: []core.Field{
			with(text("title"), func(f *core.Field) { f.Search = 4 }), text("slug"),
			kind("commune", core.KindObject), text("commune.code"), text("commune.nom"),
			with(text("region"), facet), with(text("tags"), func(f *core.Field) { f.Multi, f.Facet = true, true }),
			kind("population", core.KindInteger), kind("score", core.KindNumber), kind("open", core.KindBoolean),
			kind("year", core.KindInteger), kind("at", core.KindTime), kind("day", core.KindDate),
			{Path: "body", Kind: core.KindString, Search: 1}, {Path: "story", Kind: core.KindRichText},
			kind("location", core.KindGeo), kind("zone", core.KindGeo), kind("data", core.KindJSON),
			ref("partner", "partner"), with(ref("partners", "partner"), func(f *core.Field) { f.Multi = true }),
			ref("related", "fiche", "minutes"),
		}}
	partner := core.Type{Name: "partner", Public: true, Fields: []core.Field{
		with(text("kind"), facet), text("name"), ref("head", "person"), ref("papers", "minutes")}}
	person := core.Type{Name: "person", Public: true, Fields: []core.Field{text("name"), ref("friend", "person")}}
	minutes := core.Type{Name: "minutes", Fields: []core.Field{text("title"), text("region"), text("decision")}}
	if hidden {
		fiche.Fields = append(fiche.Fields, with(text("note"), hide), with(kind("secretRank", core.KindInteger), hide),
			with(kind("inner", core.KindObject), hide), text("inner.part"), with(ref("handler", "person"), hide),
			with(text("pass"), func(f *core.Field) { f.Secret = true }), with(kind("secretSpot", core.KindGeo), hide))
		partner.Fields = append(partner.Fields, with(text("contact"), hide), with(ref("agent", "person"), hide))
		person.Fields = append(person.Fields, with(text("phone"), hide))
	}
	return registryOf(fiche, partner, person, minutes)
}

// rules is an access that gives staff everything, visitors what is public, and "north" the partners of one kind.
type rules struct{}

var (
	anonymous = core.Anonymous
	staff     = &core.Principal{ID: "user:1", Kind: "user", Roles: []string{"staff"}}
	north     = &core.Principal{ID: "user:2", Kind: "user", Roles: []string{"north"}}
)

var northOnly = core.Compare{Path: core.Path{Field: "kind"}, Op: core.OpEq, Values: []any{"north"}}

func (rules) Authenticate(context.Context, string) (*core.Principal, error) { return anonymous, nil }

func (rules) Scope(_ context.Context, p *core.Principal, t *core.Type, _ core.Action) (*core.Scope, error) {
	if p == staff {
		return &core.Scope{Key: "staff", Read: core.FieldSet{All: true}, Drafts: true, Private: true}, nil
	}
	if !t.Public {
		return nil, core.Errorf(core.CodeNotFound, "There is no content type %q.", string(t.Name))
	}
	s := &core.Scope{Key: "public", Read: core.FieldSet{All: true}}
	if p == north && t.Name == "partner" {
		s.Key, s.Where = "north", northOnly
	}
	return s, nil
}

var key = []byte("0123456789abcdef0123456789abcdef")

func parser(r registry) *query.Queries { return query.New(r, rules{}, key) }

func parse(t *testing.T, who *core.Principal, raw string) (*core.Asked, error) {
	t.Helper()
	r := world(true)
	params, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	return parser(r).Parse(t.Context(), who, r["fiche"], params)
}

func mustParse(t *testing.T, who *core.Principal, raw string) *core.Asked {
	t.Helper()
	a, err := parse(t, who, raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return a
}

func parseBody(t *testing.T, who *core.Principal, body string) (*core.Asked, error) {
	t.Helper()
	r := world(true)
	m, err := jsondoc.ParseObject([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return parser(r).ParseBody(t.Context(), who, r["fiche"], m)
}

func wantReason(t *testing.T, err error, reason, message string) {
	t.Helper()
	e, ok := core.AsError(err)
	if !ok || e.Code != core.CodeBadRequest || e.Reason != reason {
		t.Fatalf("got %v, want the reason %s", err, reason)
	}
	if message != "" && e.Message != message {
		t.Errorf("got  %s\nwant %s", e.Message, message)
	}
}
