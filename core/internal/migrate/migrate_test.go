package migrate_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/internal/migrate"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

const text = `{"type":"string"}`

func TestApply_NewType(t *testing.T) {
	t.Parallel()
	n := start(t)
	review := n.apply(note(`"z":` + text + `,"a":` + text))
	if !review.New || review.Entries != 0 {
		t.Errorf("got %+v", review)
	}
	typ, ok := n.types.Type("note")
	if !ok || typ.Fields[0].Path != "z" {
		t.Fatalf("the type is not there, or its order is lost: %+v", typ)
	}
	if again := n.apply(note(`"z":` + text + `,"a":` + text)); !again.Same {
		t.Errorf("the same schema is not the same: %+v", again)
	}
}

func TestApply_Refusals(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.apply(note(`"a":` + text + `,"b":` + text))
	for name, tc := range map[string]struct {
		who     *core.Principal
		typ     core.TypeName
		schema  []byte
		repairs []core.Repair
		want    core.Code
	}{
		"another name":        {editor, "other", note(`"a":` + text), nil, core.CodeInvalid},
		"a system type":       {editor, "_token", []byte(`{}`), nil, core.CodeForbidden},
		"nobody":              {core.Anonymous, "note", note(`"a":` + text), nil, core.CodeUnauthenticated},
		"no schema":           {editor, "note", []byte(`[`), nil, core.CodeBadRequest},
		"a wrong schema":      {editor, "note", note(`"a":{"x-lable":1}`), nil, core.CodeInvalid},
		"unknown repair":      {editor, "note", note(`"a":` + text), []core.Repair{{Kind: "explode", Path: "a"}}, core.CodeInvalid},
		"repair of nothing":   {editor, "note", note(`"a":` + text), []core.Repair{{Kind: "drop", Path: "x"}}, core.CodeInvalid},
		"fill with nothing":   {editor, "note", note(`"a":` + text), []core.Repair{{Kind: "fill", Path: "a"}}, core.CodeInvalid},
		"rename to nothing":   {editor, "note", note(`"a":` + text), []core.Repair{{Kind: "rename", Path: "b", To: "x"}}, core.CodeInvalid},
		"a table in a circle": {editor, "note", note(`"a":` + text), []core.Repair{{Kind: "convert", Path: "a", Value: value(`{"x":"y","y":"x"}`)}}, core.CodeInvalid},
		"a swap":              {editor, "note", note(`"a":` + text + `,"b":` + text), []core.Repair{{Kind: "rename", Path: "a", To: "b"}}, core.CodeInvalid},
	} {
		_, err := n.Apply(context.Background(), tc.who, tc.typ, tc.schema, tc.repairs)
		if core.CodeOf(err) != tc.want {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
}

func TestCheck_FindsWhatBreaksInDraftsPublishedAndTrash(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.apply(note(`"a":` + text + `,"n":{"type":"integer"}`))
	n.create(`{"a":"short"}`, true)
	draft := n.create(`{"a":"too long for it"}`, false)
	both := n.create(`{"a":"also too long"}`, true)
	n.write(core.Operation{Op: core.OperationUpdate, ID: both, Data: map[string]any{"a": "short"}})
	trash := n.create(`{"a":"too long and thrown away"}`, false)
	n.write(core.Operation{Op: core.OperationDelete, ID: trash})

	review := n.check(note(`"a":{"type":"string","maxLength":5},"n":{"type":"integer"}`))
	if review.Entries != 4 || review.Breaking != 3 || review.Same || review.New {
		t.Fatalf("got %+v", review)
	}
	got := map[core.EntryID]core.State{}
	for _, f := range review.Failures {
		got[f.ID] = f.In
		if len(f.Errors) != 1 || f.Errors[0].Pointer != "/a" || f.Errors[0].Keyword != "maxLength" {
			t.Errorf("%s: %+v", f.ID, f.Errors)
		}
	}
	if got[draft] != core.StateDraft || got[both] != core.StatePublished || got[trash] != core.StateTrash || len(got) != 3 {
		t.Errorf("got %v", got)
	}
	if len(review.Changes) != 1 || review.Changes[0].Kind != "tightened" || review.Changes[0].Detail != "maxLength" {
		t.Errorf("got changes %+v", review.Changes)
	}
	wantProposed(t, review, core.Repair{Kind: "drop", Path: "a", Count: 3})
	if _, err := n.Apply(context.Background(), editor, "note", note(`"a":{"type":"string","maxLength":5}`), nil); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("applied all the same: %v", err)
	} else if e, _ := core.AsError(err); e.Extra["review"].(*core.Review).Breaking != 3 {
		t.Errorf("the review is not with the error: %+v", e.Extra)
	}
}

func wantProposed(t *testing.T, review *core.Review, want ...core.Repair) {
	t.Helper()
	if len(review.Repairs) != len(want) {
		t.Errorf("proposed %+v, want %+v", review.Repairs, want)
		return
	}
	for i, r := range review.Repairs {
		w := want[i]
		if r.Kind != w.Kind || r.Path != w.Path || r.To != w.To || r.Count != w.Count || !jsondoc.Equal(r.Value, w.Value) {
			t.Errorf("proposed %+v, want %+v", r, w)
		}
	}
}

func TestApply_Repairs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		before   []byte
		doc      string
		after    []byte
		proposed []core.Repair // without repairs
		repairs  []core.Repair
		want     string
	}{
		{"a new required field is filled", note(`"a":` + text), `{"a":"x"}`, note(`"a":`+text+`,"k":{"enum":["u","v"],"default":"v"}`, "k"),
			[]core.Repair{{Kind: "fill", Path: "k", Value: "v", Count: 1}}, []core.Repair{{Kind: "fill", Path: "k", Value: "u"}}, `{"a":"x","k":"u"}`},
		{"a rename by x-id needs no repair", note(`"a":{"type":"string","x-id":"f"}`), `{"a":"x"}`, note(`"b":{"type":"string","x-id":"f"}`),
			nil, nil, `{"b":"x"}`},
		{"a rename without x-id is proposed", note(`"a":` + text), `{"a":"x"}`, note(`"b":` + text),
			[]core.Repair{{Kind: "rename", Path: "a", To: "b", Count: 1}, {Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "rename", Path: "a", To: "b"}}, `{"b":"x"}`},
		{"a removed field is dropped by name only", note(`"a":` + text + `,"b":` + text), `{"a":"x","b":"y"}`, note(`"b":` + text),
			[]core.Repair{{Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "drop", Path: "a"}}, `{"b":"y"}`},
		{"text to number", note(`"a":` + text), `{"a":"1 234,0"}`, note(`"a":{"type":"integer"}`),
			[]core.Repair{{Kind: "convert", Path: "a", To: "integer", Count: 1}, {Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "convert", Path: "a", To: "integer"}}, `{"a":1234}`},
		{"number to text", note(`"a":{"type":"number"}`), `{"a":1.50}`, note(`"a":` + text),
			[]core.Repair{{Kind: "convert", Path: "a", To: "string", Count: 1}, {Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "convert", Path: "a", To: "string"}}, `{"a":"1.50"}`},
		{"one to many", note(`"a":` + text), `{"a":"x"}`, note(`"a":{"type":"array","items":` + text + `}`),
			[]core.Repair{{Kind: "convert", Path: "a", To: "list", Count: 1}, {Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "convert", Path: "a", To: "list"}}, `{"a":["x"]}`},
		{"many to one", note(`"a":{"type":"array","items":` + text + `}`), `{"a":["x"]}`, note(`"a":` + text),
			[]core.Repair{{Kind: "convert", Path: "a", To: "single", Count: 1}, {Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "convert", Path: "a", To: "single"}}, `{"a":"x"}`},
		{"text to rich text", note(`"a":` + text), `{"a":"Un.\n\nDeux."}`, note(`"a":{"x-richtext":true}`),
			[]core.Repair{{Kind: "convert", Path: "a", To: "richtext", Count: 1}, {Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "convert", Path: "a", To: "richtext"}},
			`{"a":{"content":[{"content":[{"text":"Un.","type":"text"}],"type":"paragraph"},{"content":[{"text":"Deux.","type":"text"}],"type":"paragraph"}],"type":"doc","v":1}}`},
		{"dates as the French write them", note(`"a":` + text), `{"a":"22/11/2026"}`, note(`"a":{"type":"string","format":"date"}`),
			[]core.Repair{{Kind: "convert", Path: "a", To: "date", Count: 1}, {Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "convert", Path: "a", To: "date"}}, `{"a":"2026-11-22"}`},
		{"values by a table", note(`"a":{"type":"array","items":` + text + `}`), `{"a":["Budget","pétition"]}`, note(`"a":{"type":"array","items":{"enum":["BP","pétition"]}}`),
			[]core.Repair{{Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "convert", Path: "a", To: "string", Value: value(`{"Budget":"BP"}`)}}, `{"a":["BP","pétition"]}`},
		{"of a field that stays only what does not fit is dropped", note(`"a":{"type":"array","items":` + text + `},"b":` + text), `{"a":["x","abcdef","y"],"b":"z"}`, note(`"a":{"type":"array","items":{"type":"string","maxLength":3}},"b":` + text),
			[]core.Repair{{Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "drop", Path: "a"}}, `{"a":["x","y"],"b":"z"}`},
		{"inside a list", note(`"l":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"on":` + text + `}}}`), `{"l":[{"on":"x"},{}]}`,
			note(`"l":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["at"],"properties":{"at":` + text + `}}}`),
			[]core.Repair{{Kind: "fill", Path: "l.at", Value: "", Count: 1}, {Kind: "drop", Path: "l.on", Count: 1}},
			[]core.Repair{{Kind: "rename", Path: "l.on", To: "l.at"}, {Kind: "fill", Path: "l.at", Value: "?"}}, `{"l":[{"at":"x"},{"at":"?"}]}`},
		{"into an object", note(`"a":` + text), `{"a":"x"}`, note(`"o":{"type":"object","properties":{"b":` + text + `}}`),
			[]core.Repair{{Kind: "drop", Path: "a", Count: 1}}, []core.Repair{{Kind: "rename", Path: "a", To: "o.b"}}, `{"o":{"b":"x"}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			n := start(t)
			n.apply(tc.before)
			id := n.create(tc.doc, true)
			review := n.check(tc.after)
			if want := min(len(tc.proposed), 1); review.Breaking != want {
				t.Errorf("%d break, want %d: %+v", review.Breaking, want, review.Failures)
			}
			wantProposed(t, review, tc.proposed...)
			n.apply(tc.after, tc.repairs...)
			n.wantDocs(id, "", tc.want)
			if typ, _ := n.types.Type("note"); len(typ.Validator.Validate(value(tc.want).(map[string]any))) > 0 {
				t.Error("what came out does not fit the new type")
			}
		})
	}
}

func TestApply_TranslationsMoveToo(t *testing.T) {
	t.Parallel()
	n := start(t)
	localised := func(name string) []byte {
		return []byte(`{"title":"Note","type":"object","additionalProperties":false,"x-type":{"name":"note","slug":false,"locales":["fr","en"]},"properties":{"` + name + `":{"type":"string","x-id":"f","x-localized":true}}}`)
	}
	n.apply(localised("a"))
	id := n.create(`{"a":"un"}`, true)
	n.write(core.Operation{Op: core.OperationUpdate, ID: id, Locale: "en", Data: map[string]any{"a": "one"}})
	n.apply(localised("b"))
	n.wantDocs(id, `{"b":"un","_i18n":{"en":{"b":"one"}}}`, `{"b":"un"}`)
}

// What was wrong before is no fault of the change, and an open schema does not let removed values lie unseen.
func TestCheck_OnlyWhatTheChangeBreaks(t *testing.T) {
	t.Parallel()
	n := start(t)
	loose := func(properties string) []byte {
		return []byte(`{"title":"Note","type":"object","x-type":{"name":"note","slug":false},"properties":{` + properties + `}}`)
	}
	n.apply(loose(`"a":` + text + `,"b":` + text))
	n.create(`{"a":"x","b":"y"}`, true)
	review := n.check(loose(`"a":` + text))
	if review.Breaking != 1 || review.Failures[0].Errors[0].Keyword != "removed" || review.Failures[0].Errors[0].Pointer != "/b" {
		t.Errorf("got %+v", review.Failures)
	}
	if review := n.check(loose(`"a":{"type":"string","x-label":"A"},"b":` + text)); review.Breaking != 0 || review.Changes[0].Kind != "annotated" {
		t.Errorf("got %+v", review)
	}
}

func TestCheck_ValuesThatBecomeUnique(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.apply(note(`"a":` + text))
	n.create(`{"a":"x"}`, true)
	n.create(`{"a":"x"}`, false)
	n.create(`{"a":"y"}`, false)
	review := n.check(note(`"a":{"type":"string","x-unique":true}`))
	if review.Breaking != 1 || review.Failures[0].Errors[0].Keyword != "unique" {
		t.Errorf("got %+v", review)
	}
}

func TestApply_ManyEntriesInBatches(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.apply(note(`"a":` + text))
	fillWith(n, 450)
	n.faults.writes = 0
	n.apply(note(`"a":`+text+`,"b":`+text, "b"), core.Repair{Kind: "fill", Path: "b", Value: "z"})
	if n.faults.writes != 5 { // the type, 200, 200, 50, the note taken away
		t.Errorf("%d writes, want 5", n.faults.writes)
	}
	n.wantAll(450, `"b":"z"`)
}

func fillWith(n *node, count int) {
	n.t.Helper()
	ops := make([]core.Operation, count)
	for i := range ops {
		ops[i] = core.Operation{Op: core.OperationCreate, Type: "note", Data: map[string]any{"a": fmt.Sprint(i)}}
	}
	_, err := n.content.Write(context.Background(), editor, ops, core.WriteOptions{})
	must(n.t, err)
}

// wantAll checks that every entry's document has something, and how many revisions it took.
func (n *node) wantAll(count int, has string) {
	n.t.Helper()
	seen := 0
	must(n.t, n.catalog.Each(context.Background(), "note", "", func(e *core.Entry) error {
		seen++
		if !strings.Contains(string(e.Latest()), has) || e.Rev > 2 {
			n.t.Errorf("%s: revision %d, %s", e.ID, e.Rev, e.Latest())
		}
		return nil
	}))
	if seen != count {
		n.t.Errorf("%d entries, want %d", seen, count)
	}
}

// A migration is cut at each of its writes in turn, the program started again, and the rest done.
func TestResume_AfterACutAnywhere(t *testing.T) {
	t.Parallel()
	for failAt := 2; failAt <= 4; failAt++ {
		t.Run(fmt.Sprint(failAt), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			n := startIn(t, dir)
			n.apply(note(`"a":` + text))
			fillWith(n, 250)
			n.faults.writes, n.faults.failAt = 0, failAt
			next := note(`"a":{"type":"integer"},"b":`+text, "b")
			repairs := []core.Repair{{Kind: "fill", Path: "b", Value: "z"}, {Kind: "convert", Path: "a", To: "integer"}}
			if _, err := n.Apply(context.Background(), editor, "note", next, repairs); core.CodeOf(err) != core.CodeUnavailable {
				t.Fatalf("got %v", err)
			}
			n.close()

			n = startIn(t, dir)
			must(t, n.Resume(context.Background()))
			n.wantAll(250, `"b":"z"`)
			n.faults.writes = 0
			must(t, n.Resume(context.Background()))
			if n.faults.writes != 0 {
				t.Error("something was left to do")
			}
			if review := n.check(next); !review.Same {
				t.Errorf("got %+v", review)
			}
		})
	}
}

func TestApply_AnEditMeanwhileIsNotLost(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.apply(note(`"a":` + text + `,"b":` + text))
	id := n.create(`{"a":"x"}`, true)
	edited := false
	n.faults.before = func(ops []core.Operation) {
		if ops[0].Type == "note" && !edited {
			edited = true
			n.write(core.Operation{Op: core.OperationUpdate, ID: id, Data: map[string]any{"a": "edited", "b": "y"}})
		}
	}
	n.apply(note(`"a":`+text+`,"b":`+text, "b"), core.Repair{Kind: "fill", Path: "b", Value: "z"})
	n.wantDocs(id, `{"a":"edited","b":"y"}`, `{"a":"x","b":"z"}`)
}

// TestApply_AnotherChangeMeanwhile has another node change the type while the first one looks at the entries.
func TestApply_AnotherChangeMeanwhile(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.apply(note(`"a":` + text))
	other := migrate.New(migrate.Config{Types: n.types, Compiler: &schema.Compiler{}, Catalog: n.catalog, Content: n.content})
	must(t, n.hooks.SchemaChange.Add(hook.Handler[*core.SchemaEvent]{Plugin: "other", Name: "node", Fn: func(ctx context.Context, _ *core.SchemaEvent, next hook.Next) error {
		if _, err := other.Apply(ctx, core.System, "note", note(`"a":`+text+`,"b":`+text), nil); err != nil {
			return err
		}
		return next(ctx)
	}}))
	if _, err := n.Apply(context.Background(), editor, "note", note(`"a":`+text+`,"c":`+text), nil); core.CodeOf(err) != core.CodeStale {
		t.Errorf("got %v, want the second to be told", err)
	}
	if now, _ := n.types.Type("note"); len(now.Fields) == 0 || !hasField(now, "b") || hasField(now, "c") {
		t.Errorf("got %s, want the change of the other", now.Schema)
	}
}

func hasField(t *core.Type, path string) bool {
	_, ok := t.Field(path)
	return ok
}

func TestApply_TheInverseLeadsBack(t *testing.T) {
	t.Parallel()
	n := start(t)
	before := note(`"a":` + text + `,"b":` + text + `,"c":{"type":"string","x-id":"f"}`)
	n.apply(before)
	id := n.create(`{"a":"007","b":"kept","c":"x"}`, true)
	review := n.apply(note(`"a":{"type":"integer"},"d":{"type":"string","x-id":"f"},"e":`+text, "e"), core.Repair{Kind: "convert", Path: "a", To: "integer"},
		core.Repair{Kind: "drop", Path: "b"}, core.Repair{Kind: "fill", Path: "e", Value: "new"})
	n.wantDocs(id, "", `{"a":7,"d":"x","e":"new"}`)
	n.apply(before, review.Inverse...)
	n.wantDocs(id, "", `{"a":"007","b":"kept","c":"x"}`)
}

// refusal is a hook's considered no.
type refusal struct{ error }

func (refusal) Refusal()        {}
func (r refusal) Unwrap() error { return r.error }

func TestApply_AHookMayRefuse(t *testing.T) {
	t.Parallel()
	n := start(t)
	must(t, n.hooks.SchemaChange.Add(hook.Handler[*core.SchemaEvent]{Plugin: "frozen", Name: "types", Fn: func(context.Context, *core.SchemaEvent, hook.Next) error {
		return refusal{core.Errorf(core.CodeForbidden, "Types are frozen.")}
	}}))
	if _, err := n.Apply(context.Background(), editor, "note", note(`"a":`+text), nil); core.CodeOf(err) != core.CodeForbidden {
		t.Errorf("got %v", err)
	}
	if _, ok := n.types.Type("note"); ok {
		t.Error("the type was made all the same")
	}
}

// A type changes by a reviewed change only: its entry is nobody's to write.
func TestTypes_AreNotWrittenAsEntries(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.apply(note(`"a":` + text))
	id, err := n.catalog.Unique(context.Background(), "_type", "name", "note")
	must(t, err)
	for _, op := range []core.Operation{
		{Op: core.OperationUpdate, Type: "_type", ID: id, Data: map[string]any{"schema": "{}"}},
		{Op: core.OperationCreate, Type: "_type", Data: map[string]any{"name": "other", "schema": "{}"}},
	} {
		if _, err := n.content.Write(context.Background(), editor, []core.Operation{op}, core.WriteOptions{}); core.CodeOf(err) != core.CodeForbidden {
			t.Errorf("%s: got %v", op.Op, err)
		}
	}
}

func BenchmarkCheck_10000Entries(b *testing.B) {
	n := start(b)
	n.apply(note(`"a":` + text))
	fillWith(n, 10_000)
	next := note(`"a":{"type":"string","maxLength":3}`)
	for b.Loop() {
		if review := n.check(next); review.Breaking != 9_000 {
			b.Fatal(review.Breaking)
		}
	}
}
