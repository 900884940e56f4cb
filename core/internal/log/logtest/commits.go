package logtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/palabre-cms/palabre/core"
)

func testNow(t *testing.T, l core.Log) {
	now, err := l.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(now).Abs(); d > 5*time.Second {
		t.Errorf("the store's clock is %s away from this machine's, which runs it", d)
	}
	if now.Location() != time.UTC {
		t.Errorf("got %s, want UTC", now)
	}
	eventually(t, "the clock goes on", func() bool {
		later, err := l.Now(t.Context())
		return err == nil && later.After(now)
	})
}

func testAppend(t *testing.T, l core.Log) {
	if last, err := l.Last(t.Context()); err != nil || last != 0 {
		t.Errorf("Last of an empty log: got %d, %v, want 0", last, err)
	}
	if got, err := l.Read(t.Context(), 1, 10); err != nil || len(got) != 0 {
		t.Errorf("Read of an empty log: got %v, %v", got, err)
	}
	want := Chain(nil, 3)
	want[1].Key = &core.Key{Hash: "9f86d081", Request: "60303ae2"}
	want[1].Changes = append(want[1].Changes, core.Change{Type: "post", Entry: "01jz", Op: core.OpPurge, Meta: core.Meta{Rev: 8}})
	mustAppend(t, l, want[:1])
	mustAppend(t, l, want[1:])
	if last, err := l.Last(t.Context()); err != nil || last != 3 {
		t.Errorf("Last: got %d, %v, want 3", last, err)
	}
	if diff := cmp.Diff(want, readAll(t, l)); diff != "" {
		t.Errorf("what was read back (-want +got):\n%s", diff)
	}
	if n, err := l.Append(t.Context(), nil); n != 0 || err != nil {
		t.Errorf("Append of nothing: got %d, %v", n, err)
	}
}

func testAppendTaken(t *testing.T, l core.Log) {
	first := Chain(nil, 3)
	mustAppend(t, l, first)
	for _, tc := range []struct {
		name    string
		commits []core.Commit
	}{
		{"the last position", Chain(&first[1], 1)},
		{"an old position", Chain(nil, 1)},
		{"the very same commit", first[2:]},
		{"a batch that begins at a taken position", Chain(&first[1], 3)},
	} {
		n, err := l.Append(t.Context(), tc.commits)
		if n != 0 || !errors.Is(err, core.ErrPositionTaken) {
			t.Errorf("%s: got %d, %v, want ErrPositionTaken", tc.name, n, err)
		}
	}
	if diff := cmp.Diff(first, readAll(t, l)); diff != "" {
		t.Errorf("the log moved (-want +got):\n%s", diff)
	}
}

func testAppendRefusals(t *testing.T, l core.Log) {
	begin := Chain(nil, 1)
	mustAppend(t, l, begin)
	change := func(f func(c *core.Commit)) []core.Commit {
		commits := Chain(&begin[0], 1)
		f(&commits[0])
		return commits
	}
	doc := func(s string) []core.Commit {
		return change(func(c *core.Commit) { c.Changes[0].Draft = core.Doc(s) })
	}
	for _, tc := range []struct {
		name    string
		commits []core.Commit
		want    core.Code
	}{
		{"a gap before", Chain(&begin[0], 2)[1:], core.CodeInternal},
		{"a gap within", append(Chain(&begin[0], 1), Chain(&begin[0], 3)[2]), core.CodeInternal},
		{"position 0", change(func(c *core.Commit) { c.Position = 0 }), core.CodeInternal},
		{"no ID", change(func(c *core.Commit) { c.ID = "" }), core.CodeInternal},
		{"a heading that is not UTF-8", change(func(c *core.Commit) { c.By = "\xff" }), core.CodeInternal},
		{"an entry that is not UTF-8", change(func(c *core.Commit) { c.Changes[0].Entry = "\xff" }), core.CodeInternal},
		{"a document that is not JSON", doc(`{"a":`), core.CodeInternal},
		{"two documents", doc(`{} {}`), core.CodeInternal},
		{"a document that ends its change", doc(`{}}],"x":[{"y":{}`), core.CodeInternal},
		{"a document that is not UTF-8", doc("{\"a\":\"\xff\"}"), core.CodeInternal},
		{"space around a document", doc(` {}`), core.CodeInternal},
		{"an empty document", doc(``), core.CodeInternal},
		{"too large", doc(`"` + strings.Repeat("a", core.MaxCommitBytes) + `"`), core.CodeTooLarge},
	} {
		n, err := l.Append(t.Context(), tc.commits)
		if n != 0 {
			t.Errorf("%s: %d were written", tc.name, n)
		}
		wantCode(t, tc.name, err, tc.want)
	}
	if last, err := l.Last(t.Context()); err != nil || last != 1 {
		t.Errorf("Last: got %d, %v, want 1", last, err)
	}
}

// testAppendManyWriters lets writers fight for positions: every commit gets in once, without gaps.
func testAppendManyWriters(t *testing.T, l core.Log) {
	const writers, each = 4, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				insist(t, l, fmt.Sprintf("writer %d commit %d", w, i))
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for i, c := range readAll(t, l) {
		if c.Position != core.Position(i+1) {
			t.Fatalf("got position %d at place %d", c.Position, i+1)
		}
		seen[c.Reason] = true
	}
	if last, err := l.Last(t.Context()); err != nil || last != writers*each || len(seen) != writers*each {
		t.Errorf("got %d commits up to %d, %v, want %d", len(seen), last, err, writers*each)
	}
}

// insist appends one commit at the end, however often others are first.
func insist(t *testing.T, l core.Log, reason string) {
	for {
		last, err := l.Last(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		c := sample(last + 1)
		c.Reason = reason
		n, err := l.Append(t.Context(), []core.Commit{c})
		if err == nil && n == 1 {
			return
		}
		if !errors.Is(err, core.ErrPositionTaken) || n != 0 {
			t.Errorf("%s: got %d, %v", reason, n, err)
			return
		}
	}
}

// testAppendInOrder reads while batches are written: what is visible is always a beginning of the log.
func testAppendInOrder(t *testing.T, l core.Log) {
	commits := Chain(nil, 60)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; i < len(commits); i += 20 {
			if n, err := l.Append(t.Context(), commits[i:i+20]); err != nil || n != 20 {
				t.Errorf("Append: got %d, %v", n, err)
			}
		}
	}()
	for writing := true; writing; {
		select {
		case <-done:
			writing = false
		default:
		}
		for i, c := range readAll(t, l) {
			if c.ID != commits[i].ID {
				t.Fatalf("at place %d stands commit %d", i+1, c.Position)
			}
		}
	}
}

func testReadPages(t *testing.T, l core.Log) {
	commits := Chain(nil, 7)
	mustAppend(t, l, commits)
	for _, tc := range []struct {
		from  core.Position
		limit int
		want  []core.Commit
	}{
		{1, 3, commits[:3]},
		{4, 3, commits[3:6]},
		{7, 3, commits[6:]},
		{8, 3, nil},
		{1 << 62, 3, nil},
		{1 << 63, 3, nil},
		{0, 2, commits[:2]},
		{1, 0, nil},
		{1, -1, nil},
		{3, 1, commits[2:3]},
	} {
		got, err := l.Read(t.Context(), tc.from, tc.limit)
		if err != nil || !cmp.Equal(tc.want, got) {
			t.Errorf("Read(%d, %d): got %d commits, %v, want %d", tc.from, tc.limit, len(got), err, len(tc.want))
		}
	}
}

// testReadEverything asks for more than one answer should hold: paging on gives it all.
func testReadEverything(t *testing.T, l core.Log) {
	body := core.Doc(`"` + strings.Repeat("a", 2<<20) + `"`)
	var want []string
	for previous := (*core.Commit)(nil); len(want) < 6; {
		c := Chain(previous, 1)
		c[0].Changes[0].Draft = body
		mustAppend(t, l, c)
		want, previous = append(want, c[0].ID), &c[0]
	}
	page, err := l.Read(t.Context(), 1, 1000)
	if err != nil || len(page) == 0 || len(page) == len(want) {
		t.Fatalf("got %d commits of 2 MB in one answer, %v", len(page), err)
	}
	var got []string
	for _, c := range readAll(t, l) {
		got = append(got, c.ID)
	}
	if !cmp.Equal(want, got) {
		t.Errorf("got %d commits by paging, want %d", len(got), len(want))
	}
}

// hostile are documents that a store which looks into them would change, refuse or obey.
var hostile = []string{
	`{"$where":"sleep(1000)","$set":{"a":1},"a.b":1,"a.$[].b":2,"":{"":""}}`,
	`{"__proto__":{"admin":true},"constructor":{"prototype":{}},"_id":"other","$ref":"x","$id":1,"$date":"2020-01-01","$oid":"5f"}`,
	`{"numbers":[12345678901234567890123456789012345678,0.1000000000000000055511151231257827,1e308,-0,0.0,1E+2,9007199254740993,-9223372036854775808,9223372036854775807,1.0]}`,
	`{"nul":"a\u0000b","escapes":"\"\\\/\b\f\n\r\t\u001f\u2028\u2029","lone":"\ud800","pair":"\ud83d\ude00"}`,
	`{"html":"<script>&'</script>","é":"œuvre d'été 👩🏽‍🚒 \u0065\u0301","raw":" ","bom":""}`,
	`{"b":1,"a":2,"b":3,"B":4}`,
	`{ "spaced" : [ 1 ,	2 ] }`,
	`{"dates":["2026-03-29T02:30:00+02:00","0000-00-00"],"null":null,"true":true,"deep":[[[[[[[[{}]]]]]]]]}`,
	`"a string"`, `[]`, `0`, `null`, `{}`,
}

func testHostileDocuments(t *testing.T, l core.Log) {
	want := Chain(nil, 1)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 3600))
	for i, doc := range hostile {
		c := core.Change{Type: "fiche", Entry: core.EntryID(fmt.Sprint(i, "-\x00'\"$.%_<é>")), Op: core.OpPut, Comment: "l'été <b>\x00\u2028$where",
			Meta: core.Meta{Rev: 1 << 60, Status: "draft", CreatedAt: at, PublishedAt: &at, Slugs: []string{"$a.b", "\x00"}}, Draft: core.Doc(doc)}
		if i%2 == 0 {
			c.Draft, c.Published = core.NullDoc, core.Doc(doc)
		}
		want[0].Changes = append(want[0].Changes, c)
	}
	want[0].By, want[0].Reason, want[0].ID = "user:$where\x00'", "<é>\u2028\"", "$id.'"
	want[0].Key = &core.Key{Hash: "<$a.b>", Request: "\x00"}
	want[0].Seal("")
	mustAppend(t, l, want)
	got := readAll(t, l)
	if len(got) != 1 || len(got[0].Changes) != len(want[0].Changes) {
		t.Fatalf("got %d commits", len(got))
	}
	for i, c := range got[0].Changes {
		w := want[0].Changes[i]
		if string(c.Draft) != string(w.Draft) || string(c.Published) != string(w.Published) || (c.Draft == nil) != (w.Draft == nil) || (c.Published == nil) != (w.Published == nil) {
			t.Errorf("change %d: got draft %s and published %s, want %s and %s", i, c.Draft, c.Published, w.Draft, w.Published)
		}
	}
	if err := got[0].Verify(""); err != nil {
		t.Error(err)
	}
	got[0].Changes, want[0].Changes = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the heading (-want +got):\n%s", diff)
	}
}

func testLargeCommit(t *testing.T, l core.Log) {
	want := Chain(nil, 1)
	want[0].Changes[0].Draft = core.Doc(`"` + strings.Repeat("é\\n", (core.MaxCommitBytes-2000)/4) + `"`)
	mustAppend(t, l, want)
	got := readAll(t, l)
	if len(got) != 1 || string(got[0].Changes[0].Draft) != string(want[0].Changes[0].Draft) {
		t.Error("a commit of nearly the most that is allowed was not read back")
	}
}

func testWait(t *testing.T, l core.Log) {
	commits := Chain(nil, 2)
	mustAppend(t, l, commits[:1])
	if err := l.Wait(t.Context(), 0); err != nil {
		t.Errorf("a commit is there: got %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := waitFor(short, l, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nothing came: got %v, want the context's error", err)
	}
	woken := make(chan error, 3)
	for range cap(woken) {
		go func() { woken <- waitFor(t.Context(), l, 1) }()
	}
	mustAppend(t, l, commits[1:])
	for range cap(woken) {
		select {
		case err := <-woken:
			if err != nil {
				t.Errorf("a commit came: got %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("a commit came, and Wait did not wake within 30 s")
		}
	}
}

// waitFor waits until a commit after the position is there: Wait itself may return early.
func waitFor(ctx context.Context, l core.Log, after core.Position) error {
	for {
		if err := l.Wait(ctx, after); err != nil {
			return err
		}
		if last, err := l.Last(ctx); err != nil || last > after {
			return err
		}
	}
}

// To is the rewriting of a commit's changes that puts others in their place.
func To(changes ...core.Change) core.Rewrite {
	return func([]core.Change) ([]core.Change, error) { return changes, nil }
}

func testRedact(t *testing.T, l core.Log) {
	commits := Chain(nil, 3)
	secret := commits[1].Changes[0]
	secret.Entry, secret.Draft = "01jz", core.Doc(`{"email":"someone@example.org"}`)
	commits[1].Changes = append(commits[1].Changes, secret)
	commits[1].Seal(commits[0].Sum)
	commits[2].Seal(commits[1].Sum)
	mustAppend(t, l, commits)

	erased := append([]core.Change(nil), commits[1].Changes...)
	erased[1].Draft = core.Doc(`{}`)
	for range 2 { // the second time changes nothing more
		if err := l.Redact(t.Context(), 2, To(erased...)); err != nil {
			t.Fatal(err)
		}
	}
	got := readAll(t, l)
	if diff := cmp.Diff(erased, got[1].Changes); diff != "" {
		t.Errorf("the redacted changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{1}, got[1].Redacted()); diff != "" {
		t.Errorf("which changes were redacted (-want +got):\n%s", diff)
	}
	previous := ""
	for i := range got {
		if err := got[i].Verify(previous); err != nil {
			t.Error(err)
		}
		if previous = got[i].Sum; previous != commits[i].Sum || got[i].ID != commits[i].ID || !got[i].At.Equal(commits[i].At) {
			t.Errorf("commit %d: more than its changes was replaced", i+1)
		}
	}
	wantCode(t, "a commit that is not there", l.Redact(t.Context(), 4, To(erased...)), core.CodeNotFound)
	wantCode(t, "fewer changes", l.Redact(t.Context(), 2, To(erased[0])), core.CodeInternal)
	wantCode(t, "a rewriting that fails", l.Redact(t.Context(), 2, func([]core.Change) ([]core.Change, error) { return nil, core.Errorf(core.CodeConflict, "no") }), core.CodeConflict)
	if err := l.Redact(t.Context(), 1, func([]core.Change) ([]core.Change, error) { return nil, nil }); err != nil {
		t.Errorf("a rewriting that leaves all as it is: %v", err)
	}
	if got := readAll(t, l); got[0].Digests != nil {
		t.Error("what was left as it is counts as redacted")
	}
	erased[0].Entry = "other"
	wantCode(t, "another entry", l.Redact(t.Context(), 2, To(erased...)), core.CodeInternal)
}

// testRedactAtOnce redacts each change of one commit by itself, all at once.
func testRedactAtOnce(t *testing.T, l core.Log) {
	const many = 4
	commits := Chain(nil, 1)
	for range many - 1 {
		commits[0].Changes = append(commits[0].Changes, commits[0].Changes[0])
	}
	commits[0].Seal("")
	mustAppend(t, l, commits)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			err := l.Redact(context.Background(), 1, func(changes []core.Change) ([]core.Change, error) {
				changes[i].Draft = core.Doc(`{}`)
				return changes, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i, ch := range readAll(t, l)[0].Changes {
		if string(ch.Draft) != `{}` {
			t.Errorf("the redaction of change %d was undone: %s", i, ch.Draft)
		}
	}
}

func testCancelledContext(t *testing.T, l core.Log) {
	mustAppend(t, l, Chain(nil, 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Append": func() error { _, err := l.Append(ctx, Chain(&core.Commit{Position: 1}, 1)); return err },
		"Read":   func() error { _, err := l.Read(ctx, 1, 1); return err },
		"Last":   func() error { _, err := l.Last(ctx); return err },
		"Get":    func() error { _, err := l.Get(ctx, "a"); return err },
		"Set":    func() error { _, err := l.Set(ctx, core.KV{Key: "a"}); return err },
		"Keys":   func() error { _, err := l.Keys(ctx, ""); return err },
		"Weigh":  func() error { _, err := l.Weigh(ctx, ""); return err },
		"Lease":  func() error { _, err := l.Lease(ctx, "a", "b", time.Minute); return err },
		"Wait":   func() error { return waitFor(ctx, l, 1) },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want the context's error", name, err)
		}
	}
	if last, err := l.Last(t.Context()); err != nil || last != 1 {
		t.Errorf("Last: got %d, %v, want 1: nothing may be written for a caller who has gone", last, err)
	}
}

func testClose(t *testing.T, l core.Log) {
	waiting := make(chan error, 1)
	go func() { waiting <- waitFor(context.WithoutCancel(t.Context()), l, 0) }()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-waiting:
		wantCode(t, "Wait", err, core.CodeUnavailable)
	case <-time.After(30 * time.Second):
		t.Error("Wait goes on after Close")
	}
	_, err := l.Append(t.Context(), Chain(nil, 1))
	wantCode(t, "Append", err, core.CodeUnavailable)
	_, err = l.Read(t.Context(), 1, 1)
	wantCode(t, "Read", err, core.CodeUnavailable)
	_, err = l.Last(t.Context())
	wantCode(t, "Last", err, core.CodeUnavailable)
	_, err = l.Set(t.Context(), core.KV{Key: "a"})
	wantCode(t, "Set", err, core.CodeUnavailable)
	if err := l.Close(); err != nil {
		t.Errorf("a second Close: got %v", err)
	}
}

func testReopen(t *testing.T, l core.Log, again func() core.Log) {
	commits := Chain(nil, 5)
	mustAppend(t, l, commits)
	version, err := l.Set(t.Context(), core.KV{Key: "a", Value: []byte{0, 1, 255}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := l.Lease(t.Context(), "jobs", "node-1", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = again()
	if diff := cmp.Diff(commits, readAll(t, l)); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
	kv, err := l.Get(t.Context(), "a")
	if err != nil || kv.Version != version || string(kv.Value) != "\x00\x01\xff" {
		t.Errorf("Get: got %v, %v", kv, err)
	}
	if _, err := l.Lease(t.Context(), "jobs", "node-2", time.Minute); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("the lease of before was forgotten: %v", err)
	}
	if same, err := l.Lease(t.Context(), "jobs", "node-1", time.Minute); err != nil || same != token {
		t.Errorf("renewing the lease of before: got %d, %v, want %d", same, err, token)
	}
	mustAppend(t, l, Chain(&commits[4], 1))
}
