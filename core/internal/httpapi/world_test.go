package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// world is a small content store that keeps the contracts of core as far as HTTP can tell: entries in a map, one
// administrator's token, the public.
type world struct {
	mu       sync.Mutex
	types    map[core.TypeName]*core.Type
	entries  map[core.EntryID]*core.Entry
	changes  []core.ChangeLine
	keys     map[string]string
	position atomic.Uint64
	versions sync.Map // core.TypeName → uint64
	moved    chan struct{}
	answers  atomic.Int64 // how often the Reader computed
	until    time.Time
	slow     chan struct{} // when set, answers wait for it
	begun    chan struct{} // with slow: gets a value when an answer waits
	broken   error         // what the Reader answers instead
	away     error         // what the Content answers instead
	policy   atomic.Uint64
	wrote    []core.Operation
	options  core.WriteOptions
}

var (
	_ core.Reader  = (*world)(nil)
	_ core.Content = worldContent{}
	_ core.Access  = (*world)(nil)
	_ core.Types   = (*world)(nil)
)

const (
	ficheID = "01jd0000000000000000000001"
	draftID = "01jd0000000000000000000002"
	freshID = "01jd000000000000000000000f"
	token   = "pal_administrator"

	previewToken = "pal_preview"
)

func newWorld() *world {
	w := &world{types: map[core.TypeName]*core.Type{}, entries: map[core.EntryID]*core.Entry{}, keys: map[string]string{}, moved: make(chan struct{})}
	w.types["fiche"] = ficheType(true)
	w.types["note"] = core.NewType(core.Type{Name: "note", TitleField: "title", Workflow: core.DefaultWorkflow(),
		Fields: []core.Field{{Path: "title", Kind: core.KindString}}, Schema: core.Doc(`{"title":"Note","type":"object","properties":{"title":{"type":"string"}}}`)})
	live := time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)
	w.entries[ficheID] = &core.Entry{Type: "fiche", ID: ficheID, Published: core.Doc(`{"slug":"mulhouse","title":"Mulhouse <b>"}`),
		Meta: core.Meta{Rev: 7, Status: "published", Slugs: []string{"old-mulhouse"}, PublishedAt: &live, Live: &core.Live{Rev: 7, At: live}}}
	w.entries[draftID] = &core.Entry{Type: "fiche", ID: draftID, Draft: core.Doc(`{"title":"secret draft"}`), Meta: core.Meta{Rev: 1, Status: "draft"}}
	w.position.Store(9)
	return w
}

func ficheType(public bool) *core.Type {
	return core.NewType(core.Type{Name: "fiche", Plural: "fiches", Public: public, TitleField: "title", SlugField: "slug", Locales: []core.Locale{"fr", "en"},
		Label: core.Text{"fr": "Fiche", "en": "Case study"}, PluralLabel: core.Text{"fr": "Fiches", "en": "Case studies"}, Workflow: core.DefaultWorkflow(),
		Fields: []core.Field{{Path: "title", Kind: core.KindString, Required: true, Label: core.Text{"fr": "Titre", "en": "Title"}},
			{Path: "slug", Kind: core.KindString}, {Path: "region", Kind: core.KindString, Facet: true, Indexed: true, Label: core.Text{"fr": "Région", "en": "Region"}},
			{Path: "body", Kind: core.KindRichText, Label: core.Text{"fr": "Texte", "en": "Text"}}},
		Schema: core.Doc(`{"title":"Fiche","type":"object","required":["title"],"properties":{"title":{"type":"string","x-search":4,"examples":["Un titre"]},"slug":{"type":"string"},"region":{"type":"string"},"body":{"x-richtext":true}}}`)})
}

// stall makes answers wait until the channel that it gives is closed.
func (w *world) stall() chan struct{} {
	w.slow, w.begun = make(chan struct{}), make(chan struct{}, 100)
	return w.slow
}

// touch moves a type as a commit does.
func (w *world) touch(name core.TypeName) {
	for _, n := range []core.TypeName{name, ""} {
		v, _ := w.versions.LoadOrStore(n, new(atomic.Uint64))
		v.(*atomic.Uint64).Add(1)
	}
	w.position.Add(1)
	w.mu.Lock()
	close(w.moved)
	w.moved = make(chan struct{})
	w.mu.Unlock()
}

func (w *world) Version(name core.TypeName) uint64 {
	v, ok := w.versions.Load(name)
	if !ok {
		return 1
	}
	return v.(*atomic.Uint64).Load() + 1
}

// The Catalog, as far as HTTP asks it; the embedded nil fails loudly on anything else.
type worldCatalog struct {
	core.Catalog
	world *world
}

func (c worldCatalog) Version(name core.TypeName) uint64 { return c.world.Version(name) }
func (c worldCatalog) Position() core.Position           { return core.Position(c.world.position.Load()) }

func (c worldCatalog) Wait(ctx context.Context, p core.Position) error {
	for w := c.world; ; {
		w.mu.Lock()
		moved := w.moved
		w.mu.Unlock()
		if c.Position() >= p {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c worldCatalog) Entry(_ context.Context, name core.TypeName, id core.EntryID) (*core.Entry, error) {
	w := c.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.entries[id]; e != nil && e.Type == name {
		return e, nil
	}
	return nil, noSuchEntry()
}

func (w *world) Type(name core.TypeName) (*core.Type, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, ok := w.types[name]
	return t, ok
}

func (w *world) Types() []*core.Type {
	w.mu.Lock()
	defer w.mu.Unlock()
	var types []*core.Type
	for _, t := range w.types {
		types = append(types, t)
	}
	core.SortTypes(types)
	return types
}

func (w *world) Authenticate(_ context.Context, t string) (*core.Principal, error) {
	if t == previewToken {
		return &core.Principal{ID: "link:1", Kind: "link", Roles: []string{"public"}, Grant: &core.Grant{Type: "fiche", Entry: ficheID}}, nil
	}
	if t != token {
		return nil, badToken()
	}
	return &core.Principal{ID: "token:1", Kind: "token", Roles: []string{"administrator"}}, nil
}

// worldPolicy is a world whose Access tells its version.
func (w *world) Scope(_ context.Context, p *core.Principal, t *core.Type, a core.Action) (*core.Scope, error) {
	switch {
	case !p.Anonymous():
		return &core.Scope{Key: "admin", Drafts: true}, nil
	case !t.Public:
		return nil, core.NoType(t.Name)
	case a != core.ActionList && a != core.ActionRead:
		return nil, core.Refuse(core.CodeUnauthenticated, "", "Sign in.", "Identifiez-vous.")
	}
	return &core.Scope{Key: "public"}, nil
}

// reading checks a question as the real Reader does: first the type, then the right, then the parameters.
func (w *world) reading(ctx context.Context, who *core.Principal, name core.TypeName, key string, params url.Values, known []string, make func(*core.Scope) (*core.Answer, error)) (*core.Pending, error) {
	if w.broken != nil {
		return nil, w.broken
	}
	t, ok := w.Type(name)
	if !ok {
		return nil, core.NoType(name)
	}
	scope, err := w.Scope(ctx, who, t, core.ActionRead)
	if err != nil {
		return nil, err
	}
	for _, p := range sortedKeys(params) {
		if !slices.Contains(known, p) {
			return nil, unknownParam(p, known)
		}
	}
	return &core.Pending{Key: scope.Key + " " + string(name) + " " + key + " " + params.Encode(), Types: []core.TypeName{name}, Answer: func(ctx context.Context) (*core.Answer, error) {
		w.answers.Add(1)
		if w.slow != nil {
			w.begun <- struct{}{}
			select {
			case <-w.slow:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		a, err := make(scope)
		if a != nil {
			a.Until = w.until
		}
		return a, err
	}}, nil
}

func (w *world) render(e *core.Entry, doc core.Doc) []byte {
	out := `{"_id":` + strconv.Quote(string(e.ID)) + `,"_type":"` + string(e.Type) + `","_rev":` + strconv.FormatInt(e.Rev, 10) + `,"_status":"` + string(e.Status) + `"`
	if e.PublishedAt != nil {
		out += `,"_publishedAt":"` + e.PublishedAt.Format(time.RFC3339) + `"`
	}
	if len(doc) > 2 {
		out += "," + string(doc[1:len(doc)-1])
	}
	return []byte(out + "}")
}

func (w *world) List(ctx context.Context, who *core.Principal, name core.TypeName, params url.Values) (*core.Pending, error) {
	return w.reading(ctx, who, name, "list", params, []string{"q", "limit", "after", "locale", "state", "preview", "filter[region]"}, func(*core.Scope) (*core.Answer, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		body, tags, n := []byte(`{"data":[`), []string{string(name)}, 0
		for _, id := range slices.Sorted(func(yield func(core.EntryID) bool) {
			for id := range w.entries {
				if !yield(id) {
					return
				}
			}
		}) {
			e := w.entries[id]
			if e.Type != name || e.Published == nil || params.Get("q") != "" && !strings.Contains(string(e.Published), params.Get("q")) {
				continue
			}
			if n > 0 {
				body = append(body, ',')
			}
			body, tags, n = append(body, w.render(e, e.Published)...), append(tags, string(name)+"/"+string(id)), n+1
		}
		body = append(body, `],"page":{"limit":20,"next":null,"total":`+strconv.Itoa(n)+`}}`...)
		return &core.Answer{Body: body, Tags: tags}, nil
	})
}

func (w *world) Query(ctx context.Context, who *core.Principal, name core.TypeName, body map[string]any) (*core.Pending, error) {
	params := url.Values{}
	for k, v := range body {
		params.Set(k, textOf(v))
	}
	return w.List(ctx, who, name, params)
}

func (w *world) One(ctx context.Context, who *core.Principal, name core.TypeName, idOrSlug string, params url.Values) (*core.Pending, error) {
	return w.reading(ctx, who, name, "one "+idOrSlug, params, []string{"fields", "include", "locale", "state", "preview"}, func(s *core.Scope) (*core.Answer, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, e := range w.entries {
			v, ok := e.View(core.StatePublished)
			if params.Get("state") == "draft" && s.Drafts {
				v, ok = e.View(core.StateDraft)
			}
			former := slices.Contains(e.Slugs, idOrSlug)
			if !ok || e.Type != name || string(e.ID) != idOrSlug && !strings.Contains(string(v.Doc), `"slug":"`+idOrSlug+`"`) && !former {
				continue
			}
			a := &core.Answer{Body: w.render(e, v.Doc), Rev: e.Rev, Tags: []string{string(name), string(name) + "/" + string(e.ID)}}
			if former {
				a.Moved = "mulhouse"
			}
			return a, nil
		}
		return nil, noSuchEntry()
	})
}

func (w *world) Search(ctx context.Context, who *core.Principal, params url.Values) (*core.Pending, error) {
	return w.reading(ctx, who, "fiche", "search", params, []string{"q", "types", "limit"}, func(*core.Scope) (*core.Answer, error) {
		return &core.Answer{Body: []byte(`{"data":[]}`)}, nil
	})
}

func (w *world) about(ctx context.Context, who *core.Principal, name core.TypeName, what string, params url.Values) (*core.Pending, error) {
	if who.Anonymous() {
		return nil, core.Refuse(core.CodeUnauthenticated, "", "Sign in.", "Identifiez-vous.")
	}
	return w.reading(ctx, who, name, what, params, []string{"limit", "before", "after"}, func(*core.Scope) (*core.Answer, error) {
		return &core.Answer{Body: []byte(`{"what":"` + what + `"}`)}, nil
	})
}

func (w *world) References(ctx context.Context, who *core.Principal, name core.TypeName, id core.EntryID, params url.Values) (*core.Pending, error) {
	return w.about(ctx, who, name, "references "+string(id), params)
}

func (w *world) Revisions(ctx context.Context, who *core.Principal, name core.TypeName, id core.EntryID, params url.Values) (*core.Pending, error) {
	return w.about(ctx, who, name, "revisions "+string(id), params)
}

func (w *world) Show(_ context.Context, _ *core.Principal, e *core.Entry, _ url.Values) (*core.Answer, error) {
	return &core.Answer{Body: w.render(e, e.Latest())}, nil
}

func (w *world) Changes(_ context.Context, _ *core.Principal, since core.Position, _ []core.TypeName, limit int) (*core.ChangePage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &core.ChangePage{Next: core.Position(w.position.Load()), Last: true}
	for _, c := range w.changes {
		if c.Position > since && len(p.Data) < limit {
			p.Data = append(p.Data, c)
		}
	}
	return p, nil
}

func (w *world) Schema(ctx context.Context, who *core.Principal, name core.TypeName) (core.Doc, error) {
	t, ok := w.Type(name)
	if !ok {
		return nil, core.NoType(name)
	}
	if _, err := w.Scope(ctx, who, t, core.ActionList); err != nil {
		return nil, err
	}
	return t.Schema, nil
}

func (w *world) Visible(ctx context.Context, who *core.Principal) ([]*core.Type, error) {
	var seen []*core.Type
	for _, t := range w.Types() {
		if _, err := w.Scope(ctx, who, t, core.ActionList); err == nil {
			seen = append(seen, t)
		}
	}
	return seen, nil
}

func (w *world) Ready() error { return w.away }

func (w worldContent) Revision(context.Context, core.TypeName, core.EntryID, int64) (*core.Entry, error) {
	return nil, noSuchEntry()
}

func (w *world) Revision(ctx context.Context, who *core.Principal, name core.TypeName, id core.EntryID, rev, diff int64) (*core.Pending, error) {
	return w.about(ctx, who, name, "revision "+strconv.FormatInt(rev, 10)+" "+strconv.FormatInt(diff, 10), nil)
}

// versionedAccess tells when its answers may have changed.
type versionedAccess struct{ *world }

func (a versionedAccess) Version() uint64 { return a.policy.Load() }

var errDriver = errors.New("driver: connection to 10.0.0.7 refused: password=hunter2")

// options gives what a server on a world is made of.
func (w *world) serverOptions() Options {
	return Options{Reader: w, Content: worldContent{w}, Access: versionedAccess{w}, Types: w, Catalog: worldCatalog{world: w},
		Schemas: &worldSchemas{}, Keeper: &worldKeeper{}, Accounts: worldAccounts{}, Rights: struct{ core.Rights }{}, Auditor: &worldAuditor{}, Privacy: &worldPrivacy{},
		Exporter: &worldExporter{}, CacheBytes: 1 << 20, Version: "1.2.3"}
}

func newServer(t testing.TB, w *world, change ...func(*Options)) *Server {
	t.Helper()
	o := w.serverOptions()
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// call makes one request; headers come as "Name: value".
func call(t testing.TB, s *Server, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	var r *http.Request
	if body == "" {
		r = httptest.NewRequest(method, target, nil)
	} else {
		r = httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if value == "" {
			r.Header.Del(name)
			continue
		}
		r.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, r)
	return rec
}

const admin = "Authorization: Bearer " + token

func decoded(t testing.TB, rec *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &m); err != nil {
		t.Fatalf("%d %q: %v", rec.Code, rec.Body.String(), err)
	}
	return m
}
