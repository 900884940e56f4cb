package transfer_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/transfer"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// fiche is a type with a field of each kind that text treats differently.
func fiche() *core.Type {
	return core.NewType(core.Type{Name: "fiche", SlugField: "slug", Locales: []core.Locale{"fr", "en"}, Fields: []core.Field{
		{Path: "title", Kind: core.KindString, Localized: true},
		{Path: "slug", Kind: core.KindString, Unique: true},
		{Path: "commune", Kind: core.KindObject},
		{Path: "commune.code", Kind: core.KindString},
		{Path: "population", Kind: core.KindInteger},
		{Path: "share", Kind: core.KindNumber},
		{Path: "open", Kind: core.KindBoolean},
		{Path: "day", Kind: core.KindDate},
		{Path: "practice", Kind: core.KindString, Enum: []core.EnumValue{{Value: "PV", Label: core.Text{"fr": "Petite ville"}}, {Value: "GV"}}},
		{Path: "tags", Kind: core.KindString, Multi: true},
		{Path: "location", Kind: core.KindGeo, Geo: "point"},
		{Path: "partner", Kind: core.KindRef, Ref: &core.RefRule{Types: []core.TypeName{"partner"}}},
		{Path: "steps", Kind: core.KindObject, Multi: true},
		{Path: "steps.title", Kind: core.KindString, Multi: true},
		{Path: "key", Kind: core.KindString, Secret: true},
	}})
}

// registry is core.Types over a list.
type registry []*core.Type

func (r registry) Types() []*core.Type { return r }

func (r registry) Type(name core.TypeName) (*core.Type, bool) {
	for _, t := range r {
		if t.Name == name {
			return t, true
		}
	}
	return nil, false
}

// sink takes operations as a store would: titles are required, slugs unique, references must be there.
type sink struct {
	mu      sync.Mutex
	batch   int
	entries map[string]map[string]any // by slug
	ids     map[string]core.EntryID
	plans   map[core.EntryID][]core.Scheduled
	dry     int
	ops     []core.Operation
}

func newSink() *sink {
	return &sink{batch: 3, entries: map[string]map[string]any{}, ids: map[string]core.EntryID{}, plans: map[core.EntryID][]core.Scheduled{}}
}

func (s *sink) Batch() (int, int) { return s.batch, 1 << 20 }

func (s *sink) Has(_ context.Context, _ core.TypeName, id core.EntryID) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, have := range s.ids {
		if have == id {
			return true, nil
		}
	}
	return false, nil
}

func (s *sink) Write(_ context.Context, ops []core.Operation, dryRun bool) ([]transfer.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	outcomes := make([]transfer.Outcome, len(ops))
	for i, op := range ops {
		outcomes[i] = s.write(op, dryRun)
	}
	return outcomes, nil
}

func (s *sink) write(op core.Operation, dryRun bool) transfer.Outcome {
	if op.Op == core.OperationTransition {
		s.plans[op.ID] = append(s.plans[op.ID], core.Scheduled{Transition: op.Transition, At: *op.At})
		return transfer.Outcome{ID: op.ID, Changed: true}
	}
	s.ops = append(s.ops, op)
	slug, _ := op.Data["slug"].(string)
	if op.Data["title"] == nil {
		return refused("/title", "required", "is required")
	}
	if ref, ok := op.Data["partner"].(map[string]any); ok && s.entries[fmt.Sprint(ref["_slug"])] == nil {
		return refused("/partner", "x-ref", "there is no such entry")
	}
	old, there := s.entries[slug]
	if there && op.Op == core.OperationCreate {
		return refused("/slug", "unique", "is taken")
	}
	o := transfer.Outcome{ID: core.NewID(time.Now()), Created: !there, Changed: true, Slug: slug}
	if op.ID != "" {
		o.ID = op.ID
	}
	if there {
		o.ID, o.Changed = s.ids[slug], !jsondoc.Equal(old, op.Data)
	}
	o.Schedule = s.plans[o.ID]
	if dryRun {
		s.dry++
		return o
	}
	s.entries[slug], s.ids[slug] = op.Data, o.ID
	return o
}

func refused(pointer, keyword, message string) transfer.Outcome {
	return transfer.Outcome{Err: core.Invalid(core.FieldError{Pointer: pointer, Keyword: keyword, Message: message})}
}

// run imports text and gives the report with the bad lines.
func run(t *testing.T, to *sink, text string, o transfer.ImportOptions) (*transfer.Report, []string) {
	t.Helper()
	var bad []string
	o.Types = registry{fiche(), core.NewType(core.Type{Name: "partner"})}
	o.Bad = func(b transfer.BadLine) { bad = append(bad, b.String()) }
	report, err := transfer.Import(t.Context(), strings.NewReader(text), to, o)
	if err != nil {
		t.Fatal(err)
	}
	return report, bad
}

func TestImport_Lines(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		text    string
		options transfer.ImportOptions
		want    string // the first entry
		bad     []string
	}{
		{name: "a line", text: `{"title":"A","population":1.50}`, options: transfer.ImportOptions{Type: "fiche"}, want: `{"population":1.50,"title":"A"}`},
		{name: "byte order mark, blank lines, no end", text: "\xef\xbb\xbf\n  {\"title\":\"A\"}  \n\n", options: transfer.ImportOptions{Type: "fiche"}, want: `{"title":"A"}`},
		{name: "the line's type", text: `{"_type":"fiche","title":"A"}`, want: `{"title":"A"}`},
		{name: "facts of another store", text: `{"_type":"fiche","_rev":7,"_createdAt":"2026-01-01T00:00:00Z","title":"A"}`, want: `{"title":"A"}`},
		{name: "translations", text: `{"_type":"fiche","title":"A","_i18n":{"en":{"title":"B"}}}`, want: `{"_i18n":{"en":{"title":"B"}},"title":"A"}`},
		{name: "no type", text: `{"title":"A"}`, bad: []string{"line 1: /_type: The line names no type: add _type, or say --type. [required]"}},
		{name: "another type", text: `{"_type":"partner","title":"A"}`, options: transfer.ImportOptions{Type: "fiche"}, bad: []string{"line 1: /_type: The line is of type partner, the import of fiche. [type]"}},
		{name: "unknown type", text: `{"_type":"fish","title":"A"}`, bad: []string{"line 1: /_type: There is no type fish. [type]"}},
		{name: "unknown status", text: `{"_type":"fiche","_status":"live","title":"A"}`, bad: []string{`line 1: /_status: "live" is not published, draft or scheduled. [enum]`}},
		{name: "scheduled without a time", text: `{"_type":"fiche","_status":"scheduled","title":"A"}`, bad: []string{"line 1: /_publishAt: A scheduled line needs a time in _publishAt. [required]"}},
		{name: "wrong time", text: `{"_type":"fiche","_status":"scheduled","_publishAt":"soon","title":"A"}`, bad: []string{`line 1: /_publishAt: "soon" is not a time like 2026-12-31T08:00:00Z. [format]`}},
		{name: "bad lines do not stop the rest", text: "{\"_type\":\"fiche\"\n{\"_type\":\"fiche\",\"title\":\"A\"}\n{\"_type\":\"fiche\",\"slug\":\"b\"}", want: `{"title":"A"}`,
			bad: []string{"line 1: ", "line 3: /title: is required [required]"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			to := newSink()
			report, bad := run(t, to, tc.text, tc.options)
			if len(bad) != len(tc.bad) || report.Failed != len(tc.bad) {
				t.Fatalf("got %d bad lines %q, want %q", report.Failed, bad, tc.bad)
			}
			for i := range bad {
				if !strings.HasPrefix(bad[i], tc.bad[i]) {
					t.Errorf("got %q, want %q", bad[i], tc.bad[i])
				}
			}
			if tc.want != "" {
				if got := string(jsondoc.Encode(to.entries[""])); got != tc.want {
					t.Errorf("got %s, want %s", got, tc.want)
				}
			}
		})
	}
}

func TestImport_Status(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		line        string
		publish     bool
		wantPublish bool
		wantPlans   []string
	}{
		{name: "nothing said", line: `{}`},
		{name: "--publish", line: `{}`, publish: true, wantPublish: true},
		{name: "published", line: `{"_status":"published"}`, wantPublish: true},
		{name: "draft in spite of --publish", line: `{"_status":"draft"}`, publish: true},
		{name: "scheduled", line: `{"_status":"scheduled","_publishAt":"2031-01-01T08:00:00+02:00"}`, publish: true, wantPlans: []string{"publish 2031-01-01T06:00:00Z"}},
		{name: "a time alone is a schedule", line: `{"_publishAt":"2031-01-01T08:00:00Z"}`, publish: true, wantPlans: []string{"publish 2031-01-01T08:00:00Z"}},
		{name: "published until", line: `{"_status":"published","_unpublishAt":"2031-01-01T08:00:00Z"}`, wantPublish: true, wantPlans: []string{"unpublish 2031-01-01T08:00:00Z"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			to := newSink()
			line := strings.Replace(tc.line, "{", `{"title":"A",`, 1)
			run(t, to, strings.Replace(line, ",}", "}", 1), transfer.ImportOptions{Type: "fiche", Publish: tc.publish})
			var plans []string
			for _, p := range to.plans[to.ids[""]] {
				plans = append(plans, p.Transition+" "+p.At.UTC().Format(time.RFC3339))
			}
			if to.ops[0].Publish != tc.wantPublish || !cmp.Equal(plans, tc.wantPlans) {
				t.Errorf("got publish %t, plans %q; want %t, %q", to.ops[0].Publish, plans, tc.wantPublish, tc.wantPlans)
			}
		})
	}
}

// A second run with --upsert finds every entry and changes nothing, schedules included.
func TestImport_UpsertIsIdempotent(t *testing.T) {
	t.Parallel()
	to := newSink()
	text := lines(250, `{"title":"T%d","slug":"s%d","_publishAt":"2031-01-01T08:00:00Z"}`)
	for _, want := range []string{"250 created, 0 updated, 0 unchanged", "0 created, 0 updated, 250 unchanged"} {
		report, bad := run(t, to, text, transfer.ImportOptions{Type: "fiche", Upsert: "slug"})
		if got := totals(report); got != want || len(bad) > 0 {
			t.Errorf("got %s, %q; want %s", got, bad, want)
		}
	}
	if plans := to.plans[to.ids["s0"]]; len(plans) != 1 {
		t.Errorf("scheduled %d times", len(plans))
	}
}

func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i, i)
	}
	return b.String()
}

func totals(r *transfer.Report) string {
	return fmt.Sprintf("%d created, %d updated, %d unchanged", r.Created, r.Updated, r.Unchanged)
}

func TestImport_UpsertByID(t *testing.T) {
	t.Parallel()
	to := newSink()
	id := core.NewID(time.Now())
	line := fmt.Sprintf(`{"_id":%q,"title":"A","slug":"a"}`, id)
	for _, want := range []core.OperationKind{core.OperationCreate, core.OperationUpdate} {
		run(t, to, line, transfer.ImportOptions{Type: "fiche", Upsert: "_id"})
		if op := to.ops[len(to.ops)-1]; op.Op != want || op.ID != id {
			t.Errorf("got %s %s, want %s %s", op.Op, op.ID, want, id)
		}
	}
}

// Lines of one entry never race: the later one wins.
func TestImport_SameEntryTwice(t *testing.T) {
	t.Parallel()
	to := newSink()
	report, _ := run(t, to, lines(20, `{"title":"T%d","slug":"same","population":%d}`), transfer.ImportOptions{Type: "fiche", Upsert: "slug"})
	if got := fmt.Sprint(to.entries["same"]["title"]); got != "T19" || report.Created != 1 || report.Updated != 19 {
		t.Errorf("got %s, %s", got, totals(report))
	}
}

// A line may refer to one that comes later; in a dry run too, where nothing is ever there.
func TestImport_LaterReference(t *testing.T) {
	t.Parallel()
	text := `{"title":"A","slug":"a","partner":{"_slug":"b","_type":"fiche"}}` + "\n" +
		`{"title":"L","slug":"lost","partner":{"_slug":"nowhere","_type":"fiche"}}` + "\n" +
		lines(10, `{"title":"x%d","slug":"x%d"}`) + `{"title":"B","slug":"b"}`
	for _, dryRun := range []bool{false, true} {
		report, bad := run(t, newSink(), text, transfer.ImportOptions{Type: "fiche", DryRun: dryRun})
		if report.Created != 12 || len(bad) != 1 || !strings.HasPrefix(bad[0], `line 2: /partner: {"_slug":"nowhere","_type":"fiche"}: there is no`) {
			t.Errorf("dry run %t: got %s and %q", dryRun, totals(report), bad)
		}
	}
}

// Entries that refer to each other in a circle go in; one that hangs on them and on nothing else besides too.
func TestImport_Circle(t *testing.T) {
	t.Parallel()
	text := lines(7, `{"title":"T%d","slug":"s%d","_status":"published","partner":{"_slug":"next","_type":"fiche"}}`)
	for i := range 7 {
		text = strings.Replace(text, `"next"`, fmt.Sprintf(`"s%d"`, (i+1)%7), 1)
	}
	text += `{"title":"H","slug":"h","partner":{"_slug":"s3","_type":"fiche"}}` + "\n" + `{"title":"L","slug":"l","partner":{"_slug":"nowhere","_type":"fiche"}}`
	for _, dryRun := range []bool{true, false} {
		to := newSink()
		report, bad := run(t, to, text, transfer.ImportOptions{Type: "fiche", Upsert: "slug", DryRun: dryRun})
		if report.Created != 8 || len(bad) != 1 || !strings.HasPrefix(bad[0], "line 9:") {
			t.Errorf("dry run %t: got %s and %q", dryRun, totals(report), bad)
		}
		if last := to.ops[len(to.ops)-1]; !dryRun && (last.Op != core.OperationUpdate || to.entries["s0"]["partner"] == nil || len(to.entries) != 8) {
			t.Errorf("got %s of %d entries, %v", last.Op, len(to.entries), to.entries["s0"])
		}
	}
}

func TestImport_DryRunWritesNothing(t *testing.T) {
	t.Parallel()
	to := newSink()
	report, _ := run(t, to, `{"title":"A","_publishAt":"2031-01-01T08:00:00Z"}`, transfer.ImportOptions{Type: "fiche", DryRun: true})
	if to.dry != 1 || len(to.entries) > 0 || len(to.plans) > 0 || report.Created != 1 {
		t.Errorf("dry %d, entries %v, plans %v", to.dry, to.entries, to.plans)
	}
}

func TestImport_ReportsTotalsByKind(t *testing.T) {
	t.Parallel()
	report, _ := run(t, newSink(), lines(3, `{"slug":"s%d","population":%d}`)+`{"title":"x","_status":"odd"}`, transfer.ImportOptions{Type: "fiche"})
	var b strings.Builder
	if err := report.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := "4 lines: 0 created, 0 updated, 0 unchanged, 4 failed\n        3  required\n        1  enum\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestImport_LineTooLong(t *testing.T) {
	t.Parallel()
	long := `{"title":"` + strings.Repeat("x", 2<<20) + `"}`
	report, bad := run(t, newSink(), long+"\n"+`{"title":"A"}`, transfer.ImportOptions{Type: "fiche"})
	if report.Created != 1 || len(bad) != 1 || !strings.HasPrefix(bad[0], "line 1: The line is longer than") {
		t.Errorf("got %s, %q", totals(report), bad)
	}
}

// away is a destination that breaks.
type away struct{ *sink }

func (away) Write(context.Context, []core.Operation, bool) ([]transfer.Outcome, error) {
	return nil, core.Errorf(core.CodeUnavailable, "the store is away")
}

func TestImport_StoreAwayStops(t *testing.T) {
	t.Parallel()
	text := lines(1000, `{"title":"T%d","population":%d}`)
	report, err := transfer.Import(t.Context(), strings.NewReader(text), away{newSink()}, transfer.ImportOptions{Type: "fiche", Types: registry{fiche()}})
	if core.CodeOf(err) != core.CodeUnavailable || report.Created != 0 {
		t.Errorf("got %v, %s", err, totals(report))
	}
}
