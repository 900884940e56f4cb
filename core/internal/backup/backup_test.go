package backup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/backup"
	"github.com/palabre-cms/palabre/core/internal/log"
	"github.com/palabre-cms/palabre/core/internal/log/ferrettest"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/log/mongolog"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
)

func open(t testing.TB) core.Log {
	t.Helper()
	l, err := sqlitelog.Open(filepath.Join(t.TempDir(), "log.db"), sqlitelog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// sample is a log with all that a log can hold: strange documents, an idempotency key, a redaction, keys.
func sample(t *testing.T) core.Log {
	t.Helper()
	l := open(t)
	commits := logtest.Chain(nil, 12)
	strange := "{ \"spaced\" :\n[1.10, 1e2, 12345678901234567890123],\"<é>\":\"\\u0000\\ud800\" }"
	for i := range commits {
		c := &commits[i]
		c.Changes[0].Published, c.Changes[0].Comment = core.Doc(strange), "l'été <b>\x00"
		if i%2 == 0 {
			c.Changes[0].Draft = core.NullDoc
			c.Key = &core.Key{Hash: fmt.Sprint("hash-", i), Request: "request"}
		}
		if i > 5 {
			c.Origin = &core.Origin{Address: "192.0.2.7", Agent: "<b>\x00", Request: "r-1"}
		}
		previous := ""
		if i > 0 {
			previous = commits[i-1].Sum
		}
		c.Seal(previous)
	}
	if _, err := l.Append(t.Context(), commits); err != nil {
		t.Fatal(err)
	}
	erased := commits[4].Changes
	erased[0].Published = core.Doc(`{}`)
	if err := l.Redact(t.Context(), 5, logtest.To(erased...)); err != nil {
		t.Fatal(err)
	}
	if err := l.Forget(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	for _, kv := range []core.KV{{Key: "a", Value: []byte{0, 255}}, {Key: "soon", Value: []byte("x"), Expires: time.Now().Add(time.Hour)}} {
		if _, err := l.Set(t.Context(), kv); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Lease(t.Context(), "jobs", "node-1", time.Hour); err != nil {
		t.Fatal(err)
	}
	return l
}

func write(t *testing.T, l core.Log) []byte {
	t.Helper()
	var file bytes.Buffer
	if _, err := backup.Write(t.Context(), l, &file, nil); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

type content struct {
	Commits []core.Commit
	Keys    []core.KV
}

func all(t *testing.T, l core.Log) content {
	t.Helper()
	var c content
	for {
		page, err := l.Read(t.Context(), core.Position(len(c.Commits)+1), 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		c.Commits = append(c.Commits, page...)
	}
	keys, err := l.Keys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		kv, err := l.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		kv.Version = 0
		c.Keys = append(c.Keys, kv)
	}
	return c
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	l := sample(t)
	want := all(t, l)
	var file bytes.Buffer
	var told []core.Position
	s, err := backup.Write(t.Context(), l, &file, func(done, total core.Position) { told = append(told, done, total) })
	if err != nil {
		t.Fatal(err)
	}
	if s.Position != 12 || s.Keys != 2 || s.Sum != want.Commits[11].Sum || time.Since(s.At).Abs() > time.Minute {
		t.Errorf("the summary: got %+v", s)
	}
	if !cmp.Equal(told, []core.Position{12, 12}) {
		t.Errorf("progress: got %v", told)
	}
	for name, target := range map[string]core.Log{"sqlitelog": open(t), "mongolog": openMongo(t)} {
		got, err := backup.Restore(t.Context(), bytes.NewReader(file.Bytes()), target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Errorf("%s: the summary (-written +restored):\n%s", name, diff)
		}
		if diff := cmp.Diff(want, all(t, target)); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
		if _, err := target.Lease(t.Context(), "jobs", "node-2", time.Hour); err != nil {
			t.Errorf("%s: a lease was restored: %v", name, err)
		}
	}
}

func openMongo(t *testing.T) core.Log {
	t.Helper()
	uri, database, _ := ferrettest.Start(t)
	l, err := mongolog.Open(mongolog.Options{URI: uri, Database: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// A secret that must not work in a copy is in no backup.
func TestWrite_Unsaved(t *testing.T) {
	t.Parallel()
	l, target := open(t), open(t)
	for _, key := range []string{"saved/a", backup.Unsaved + "b"} {
		if _, err := l.Set(t.Context(), core.KV{Key: key, Value: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := backup.Restore(t.Context(), bytes.NewReader(write(t, l)), target, nil)
	if err != nil || s.Keys != 1 {
		t.Fatalf("got %+v, %v, want one key", s, err)
	}
	if keys, err := target.Keys(t.Context(), ""); err != nil || !cmp.Equal(keys, []string{"saved/a"}) {
		t.Errorf("got %q, %v", keys, err)
	}
}

func TestRoundTrip_Empty(t *testing.T) {
	t.Parallel()
	target := open(t)
	if s, err := backup.Restore(t.Context(), bytes.NewReader(write(t, open(t))), target, nil); err != nil || s.Position != 0 {
		t.Errorf("got %+v, %v", s, err)
	}
}

// TestRoundTrip_Pages goes over the number of commits that are read at once.
func TestRoundTrip_Pages(t *testing.T) {
	t.Parallel()
	l, target := open(t), open(t)
	if _, err := l.Append(t.Context(), logtest.Chain(nil, 1201)); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(t.Context(), bytes.NewReader(write(t, l)), target, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all(t, l), all(t, target)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// growing is a log to which others write whenever it is read.
type growing struct {
	core.Log
	t    *testing.T
	last *core.Commit
}

func (g *growing) Read(ctx context.Context, from core.Position, limit int) ([]core.Commit, error) {
	next := logtest.Chain(g.last, 1)
	if _, err := g.Append(ctx, next); err != nil {
		g.t.Error(err)
	}
	g.last = &next[0]
	return g.Log.Read(ctx, from, limit)
}

func (g *growing) Keys(ctx context.Context, prefix string) ([]string, error) {
	if _, err := g.Set(ctx, core.KV{Key: "later"}); err != nil {
		g.t.Error(err)
	}
	return g.Log.Keys(ctx, prefix)
}

func TestWrite_CutsAtOnePosition(t *testing.T) {
	t.Parallel()
	commits := logtest.Chain(nil, 700)
	l := open(t)
	if _, err := l.Append(t.Context(), commits); err != nil {
		t.Fatal(err)
	}
	file, target := write(t, &growing{Log: l, t: t, last: &commits[699]}), open(t)
	if _, err := backup.Restore(t.Context(), bytes.NewReader(file), target, nil); err != nil {
		t.Fatal(err)
	}
	if got := all(t, target); len(got.Commits) != 700 || len(got.Keys) != 1 {
		t.Errorf("got %d commits and %d keys, want 700 and 1", len(got.Commits), len(got.Keys))
	}
}

func wantRefused(t *testing.T, what string, file []byte, reason string) {
	t.Helper()
	target := open(t)
	_, err := backup.Restore(t.Context(), bytes.NewReader(file), target, nil)
	e, ok := core.AsError(err)
	if !ok || e.Code != core.CodeInvalid || !strings.Contains(e.Message, reason) {
		t.Errorf("%s: got %v, want a refusal that says %q", what, err, reason)
	}
	if last, err := target.Last(t.Context()); err != nil || last != 0 {
		t.Errorf("%s: the target was touched: %d commits, %v", what, last, err)
	}
}

func TestRestore_RefusesEveryAlteredByte(t *testing.T) {
	t.Parallel()
	file, target := write(t, sample(t)), open(t)
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		if _, err := backup.Restore(t.Context(), bytes.NewReader(bad), target, nil); core.CodeOf(err) != core.CodeInvalid {
			t.Fatalf("byte %d of %d altered: got %v, want a refusal", i, len(file), err)
		}
	}
	if last, err := target.Last(t.Context()); err != nil || last != 0 {
		t.Errorf("the target was touched: %d commits, %v", last, err)
	}
	if _, err := backup.Restore(t.Context(), bytes.NewReader(file), target, nil); err != nil {
		t.Errorf("the file as it was written: %v", err)
	}
}

func TestRestore_RefusesFiles(t *testing.T) {
	t.Parallel()
	file := write(t, sample(t))
	for _, n := range []int{0, 1, 4, 47, 48, 60, len(file) / 2, len(file) - 49, len(file) - 48, len(file) - 1} {
		wantRefused(t, fmt.Sprintf("the first %d bytes of %d", n, len(file)), file[:n], "")
	}
	wantRefused(t, "empty", nil, "not a Palabre backup")
	wantRefused(t, "foreign", bytes.Repeat([]byte("PK\x03\x04"), 100), "not a Palabre backup")
	wantRefused(t, "cut short", file[:len(file)/2], "cut short")
	wantRefused(t, "one byte more", append(bytes.Clone(file), 0), "cut short, damaged at its end")
	altered := bytes.Clone(file)
	altered[len(file)/2] ^= 1
	wantRefused(t, "altered", altered, "damaged")
}

// TestRestore_RefusesLines makes files whose seal is right and whose lines are not: a program that wrote wrongly.
func TestRestore_RefusesLines(t *testing.T) {
	t.Parallel()
	good := lines(t, write(t, sample(t)))
	edit := func(i int, from, to string) []string {
		l := append([]string(nil), good...)
		if !strings.Contains(l[i], from) {
			t.Fatalf("line %d has no %s: %s", i, from, l[i])
		}
		l[i] = strings.Replace(l[i], from, to, 1)
		return l
	}
	without := func(i int) []string { return append(append([]string(nil), good[:i]...), good[i+1:]...) }
	for _, tc := range []struct {
		name, reason string
		lines        []string
	}{
		{"newer", "newer Palabre", edit(0, `"format":2`, `"format":3`)},
		{"another kind of file", "not a Palabre backup", edit(0, `"backup"`, `"export"`)},
		{"a member of a format to come", "cannot be read", edit(0, `"format":2`, `"format":2,"new":1`)},
		{"no heading", "not a Palabre backup", good[1:]},
		{"a commit missing", "commit 3 is missing", without(5)},
		{"the last commit missing", "as many commits", without(len(good) - 2)},
		{"a key missing", "as many commits and keys", without(1)},
		{"another value of a key", "not those that were written", edit(1, `"value":"AP8="`, `"value":"AP4="`)},
		{"another author", "commit 2 does not match its sum", edit(4, `"by":"user:01j"`, `"by":"user:01k"`)},
		{"another origin", "its origin was altered", edit(11, `192.0.2.7`, `192.0.2.8`)},
		{"another document", "commit 2 does not match its sum", edit(4, `spaced`, `shaped`)},
		{"no trailer", "cut short", good[:len(good)-1]},
		{"two trailers", "something follows", append(append([]string(nil), good...), good[len(good)-1])},
		{"an unknown line", "cannot be read", edit(1, `{"key"`, `{"what"`)},
		{"an empty line", "unknown kind", edit(1, good[1], `{}`)},
		{"no JSON", "cannot be read", edit(1, good[1], `{"key"`)},
	} {
		wantRefused(t, tc.name, pack(t, tc.lines), tc.reason)
	}
}

// lines unpacks a file, which any zstd tool can do.
func lines(t *testing.T, file []byte) []string {
	t.Helper()
	d, err := zstd.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(d); err != nil {
		t.Fatal(err)
	}
	list := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	for _, l := range list {
		if !json.Valid([]byte(l)) {
			t.Fatalf("not a line of JSON: %s", l)
		}
	}
	return list
}

func pack(t *testing.T, lines []string) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return backup.Sealed(e.EncodeAll([]byte(strings.Join(lines, "\n")+"\n"), nil))
}

func TestRestore_RefusesATargetThatIsNotEmpty(t *testing.T) {
	t.Parallel()
	file := write(t, sample(t))
	withCommit, withKey := open(t), open(t)
	if _, err := withCommit.Append(t.Context(), logtest.Chain(nil, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := withKey.Set(t.Context(), core.KV{Key: "a"}); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]core.Log{"a commit": withCommit, "a key": withKey} {
		if _, err := backup.Restore(t.Context(), bytes.NewReader(file), target, nil); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("%s: got %v, want a conflict", name, err)
		}
	}
}

func TestWrite_RefusesABrokenLog(t *testing.T) {
	t.Parallel()
	l := open(t)
	commits := logtest.Chain(nil, 3)
	commits[1].By = "someone else"
	if _, err := l.Append(t.Context(), commits); err != nil {
		t.Fatal(err)
	}
	_, err := backup.Write(t.Context(), l, &bytes.Buffer{}, nil)
	if e, ok := core.AsError(err); !ok || !strings.Contains(e.Message, "commit 2 does not match its sum") {
		t.Errorf("got %v", err)
	}
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestWrite_DiskFull(t *testing.T) {
	t.Parallel()
	l := sample(t)
	size := len(write(t, l))
	for _, room := range []int{0, size / 2, size - 64} { // salts make the size vary by some bytes
		if _, err := backup.Write(t.Context(), l, &full{room}, nil); core.CodeOf(err) != core.CodeUnavailable {
			t.Errorf("room for %d of about %d bytes: got %v", room, size, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	l := sample(t)
	file := write(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := backup.Write(ctx, l, &bytes.Buffer{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: got %v", err)
	}
	if _, err := backup.Verify(ctx, bytes.NewReader(file)); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify: got %v", err)
	}
}

// TestRestore_OldFormat restores a file as programs wrote it before commits had origins.
func TestRestore_OldFormat(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/format1.backup")
	if err != nil {
		t.Fatal(err)
	}
	if head := lines(t, file)[0]; !strings.Contains(head, `"format":1`) {
		t.Fatalf("not an old file: %s", head)
	}
	target := open(t)
	if _, err := backup.Restore(t.Context(), bytes.NewReader(file), target, nil); err != nil {
		t.Fatal(err)
	}
	if got := all(t, target); len(got.Commits) != 3 || len(got.Keys) != 1 {
		t.Errorf("got %d commits and %d keys, want 3 and 1", len(got.Commits), len(got.Keys))
	}
	if r, err := log.Verify(t.Context(), target, nil); err != nil || r.Found != 1 || r.Redacted != 1 { // its redaction is not recorded
		t.Errorf("got %+v, %v", r, err)
	}
}
