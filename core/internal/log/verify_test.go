package log_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

var day = time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)

// put is a change that makes revision rev of an entry.
func put(entry string, rev int64, edit ...func(*core.Change)) core.Change {
	c := core.Change{Type: "fiche", Entry: core.EntryID(entry), Op: core.OpPut, Meta: core.Meta{Rev: rev, Status: "draft", CreatedAt: day, UpdatedAt: day}, Draft: core.Doc(`{"title":"x"}`)}
	for _, f := range edit {
		f(&c)
	}
	return c
}

func purge(entry string, rev int64) core.Change {
	return core.Change{Type: "fiche", Entry: core.EntryID(entry), Op: core.OpPurge, Meta: core.Meta{Rev: rev}}
}

// history makes sealed commits, each of the given changes.
func history(steps ...[]core.Change) []core.Commit {
	var commits []core.Commit
	sum := ""
	for i, changes := range steps {
		c := core.Commit{Position: core.Position(i + 1), ID: string(core.NewID(day)), At: day, By: "system", Changes: changes}
		c.Seal(sum)
		sum = c.Sum
		commits = append(commits, c)
	}
	return commits
}

// written gives a log with the commits, after the statements were run on its file behind its back.
func written(t *testing.T, commits []core.Commit, tamper ...string) core.Log {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.db")
	l := open(t, path)
	if _, err := l.Append(t.Context(), commits); err != nil {
		t.Fatal(err)
	}
	if len(tamper) == 0 {
		return l
	}
	l.Close()
	db, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range tamper {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	return open(t, path)
}

func open(t *testing.T, path string) core.Log {
	t.Helper()
	l, err := sqlitelog.Open(path, sqlitelog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func verify(t *testing.T, l core.Log) *log.Report {
	t.Helper()
	r, err := log.Verify(t.Context(), l, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerify_Good(t *testing.T) {
	t.Parallel()
	publish := func(c *core.Change) {
		c.Draft, c.Published, c.Meta.Live = core.NullDoc, core.Doc(`{"title":"x"}`), &core.Live{Rev: 2, At: day}
	}
	onlyMeta := func(c *core.Change) { c.Draft = nil }
	anotherType := func(c *core.Change) { c.Type = "other" } // its identifier is free again
	stillLive := func(c *core.Change) { c.Meta.Live = &core.Live{Rev: 2, At: day} }
	l := written(t, history(
		[]core.Change{put("a", 1), put("b", 1)},
		[]core.Change{put("a", 2, publish), put("c", 1)},
		[]core.Change{put("a", 3, stillLive), put("b", 2, onlyMeta)},
		[]core.Change{purge("b", 3), purge("c", 1)},
		[]core.Change{put("b", 1, anotherType), put("c", 2)},
	))
	r := verify(t, l)
	if !r.OK() || r.Position != 5 || r.Entries != 3 || r.Changes != 10 || r.Redacted != 0 {
		t.Errorf("got %+v", r)
	}
	if r := verify(t, written(t, nil)); !r.OK() || r.Position != 0 {
		t.Errorf("an empty log: got %+v", r)
	}
}

func TestVerify_Redacted(t *testing.T) {
	t.Parallel()
	l := written(t, history([]core.Change{put("a", 1)}, []core.Change{put("a", 2)}, []core.Change{put("b", 1)}))
	for p := core.Position(1); p <= 2; p++ {
		if err := l.Redact(t.Context(), p, logtest.To(put("a", int64(p), func(c *core.Change) { c.Draft = core.Doc(`{}`) }))); err != nil {
			t.Fatal(err)
		}
	}
	r := verify(t, l)
	if r.Found != 1 || r.Problems[0].Position != 2 || !strings.Contains(r.Problems[0].Message, "no erasure of it is recorded") {
		t.Errorf("without a record of the erasure: got %+v", r)
	}
	commits, err := l.Read(t.Context(), 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	record := core.Commit{Position: 4, ID: "erasure", At: day, By: "system", Changes: []core.Change{{Type: "fiche", Entry: "a", Op: core.OpRedact, Meta: core.Meta{Rev: 2}}}}
	record.Seal(commits[0].Sum)
	if _, err := l.Append(t.Context(), []core.Commit{record}); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, l); !r.OK() || r.Redacted != 2 {
		t.Errorf("with it: got %+v", r)
	}
}

// TestVerify_UnderWay has an erasure that has begun: it may have rewritten what was before it, and nothing after.
func TestVerify_UnderWay(t *testing.T) {
	t.Parallel()
	record := put("erasure", 1, func(c *core.Change) {
		c.Type, c.Action, c.Draft, c.Meta.Live = "_erasure", core.ActionCreate, nil, &core.Live{Rev: 1, At: day}
		c.Published = core.Doc(`{"reason":"x","state":"pending","entries":[{"type":"fiche","id":"a"}]}`)
	})
	l := written(t, history([]core.Change{put("a", 1), put("b", 1)}, []core.Change{purge("b", 1), record}, []core.Change{put("a", 2)}))
	redact := func(p core.Position) {
		err := l.Redact(t.Context(), p, func(changes []core.Change) ([]core.Change, error) {
			for i := range changes {
				changes[i].Draft = core.Doc(`{}`)
			}
			return changes, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	redact(1)
	if r := verify(t, l); !r.OK() || r.Redacted != 2 {
		t.Errorf("before it: got %+v", r)
	}
	redact(3)
	if r := verify(t, l); r.Found != 1 || r.Problems[0].Position != 3 {
		t.Errorf("after it: got %+v", r)
	}
}

func TestVerify_Problems(t *testing.T) {
	t.Parallel()
	three := history([]core.Change{put("a", 1)}, []core.Change{put("a", 2)}, []core.Change{put("a", 3)})
	from := withOrigins(history([]core.Change{put("a", 1)}, []core.Change{put("a", 2)}))
	noDoc := func(c *core.Change) { c.Draft = nil }
	live := func(c *core.Change) { c.Meta.Live = &core.Live{Rev: 1, At: day} }
	otherType := func(c *core.Change) { c.Type = "post" }
	strangeOp := func(c *core.Change) { c.Op = "patch" }
	for _, tc := range []struct {
		name    string
		commits []core.Commit
		tamper  string
		want    []string // what each problem says
	}{
		{"an author altered", three, `update commits set by = 'me' where position = 2`, []string{"commit 2 does not match its sum"}},
		{"a document altered", three, `update commits set changes = replace(changes, '"x"', '"y"') where position = 1`, []string{"commit 1 does not match its sum"}},
		{"a sum altered", three, `update commits set sum = 'x' where position = 2`, []string{"commit 2 does not match", "commit 3 does not match"}},
		{"a commit removed", three, `delete from commits where position = 2`, []string{"commit 2 is missing", "from revision 1 to 3"}},
		{"a commit made unreadable", three, `update commits set changes = '[' where position = 2`, []string{"commit 2 of the log cannot be read", "from revision 1 to 3"}},
		{"an origin altered", from, `update commits set origin = replace(origin, '192.0.2.7', '192.0.2.8') where position = 2`, []string{"its origin was altered"}},
		{"an origin removed", from, `update commits set origin = '' where position = 2`, []string{"commit 2 does not match its sum"}},
		{"an origin invented", three, `update commits set origin = '{"address":"192.0.2.7","salt":"00","digest":"00"}' where position = 2`, []string{"its origin was altered"}},
		{"an origin made unreadable", from, `update commits set origin = '[' where position = 2`, []string{"commit 2 of the log cannot be read"}},
		{"digests invented", three, `update commits set digests = '["00"]', changes = replace(changes, '"x"', '"y"') where position = 2`, []string{"commit 2 does not match its sum", "no erasure of it is recorded"}},
		{"digests of another number", three, `update commits set digests = '[]' where position = 2`, []string{"1 changes and 0 digests"}},
		{"a revision passed over", history([]core.Change{put("a", 1)}, []core.Change{put("a", 3)}), "", []string{"from revision 1 to 3"}},
		{"a revision twice", history([]core.Change{put("a", 1), put("a", 1)}), "", []string{"from revision 1 to 1"}},
		{"not from the first revision", history([]core.Change{put("a", 2)}), "", []string{"from revision 0 to 2"}},
		{"no document", history([]core.Change{put("a", 1, noDoc)}), "", []string{"neither a draft nor"}},
		{"live without a document", history([]core.Change{put("a", 1, live)}), "", []string{"agree with itself"}},
		{"another type", history([]core.Change{put("a", 1)}, []core.Change{put("a", 2, otherType)}), "", []string{"was a fiche and becomes a post"}},
		{"an unknown operation", history([]core.Change{put("a", 1, strangeOp)}), "", []string{"operation that is not known"}},
		{"a purge of nothing", history([]core.Change{purge("a", 1)}), "", []string{"without having existed"}},
		{"a purge at a strange revision", history([]core.Change{put("a", 1)}, []core.Change{purge("a", 9)}), "", []string{"purged at revision 9"}},
	} {
		var tamper []string
		if tc.tamper != "" {
			tamper = []string{tc.tamper}
		}
		r := verify(t, written(t, tc.commits, tamper...))
		if r.Found != len(tc.want) || r.Position != core.Position(len(tc.commits)) {
			t.Errorf("%s: got %+v, want %q", tc.name, r, tc.want)
			continue
		}
		for i, want := range tc.want {
			if !strings.Contains(r.Problems[i].Message, want) {
				t.Errorf("%s: got %q, want it to say %q", tc.name, r.Problems[i].Message, want)
			}
		}
	}
}

// withOrigins seals the commits anew, each from somewhere.
func withOrigins(commits []core.Commit) []core.Commit {
	sum := ""
	for i := range commits {
		commits[i].Origin = &core.Origin{Address: "192.0.2.7", Agent: "curl"}
		commits[i].Seal(sum)
		sum = commits[i].Sum
	}
	return commits
}

func TestVerify_Forgotten(t *testing.T) {
	t.Parallel()
	l := written(t, withOrigins(history([]core.Change{put("a", 1)}, []core.Change{put("a", 2)})))
	if err := l.Forget(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, l); !r.OK() || r.Forgot != 1 {
		t.Errorf("got %+v, want a sound log with one forgotten origin", r)
	}
}

func TestVerify_CountsMoreThanItLists(t *testing.T) {
	t.Parallel()
	var steps [][]core.Change
	for range log.MaxProblems + 20 {
		steps = append(steps, []core.Change{purge("a", 1)})
	}
	if r := verify(t, written(t, history(steps...))); r.Found != log.MaxProblems+20 || len(r.Problems) != log.MaxProblems {
		t.Errorf("got %d found and %d listed", r.Found, len(r.Problems))
	}
}
