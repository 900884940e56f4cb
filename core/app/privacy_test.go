package app_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/internal/log/ferrettest"
	"github.com/palabre-cms/palabre/core/plugin"
)

// The types of somebody, and of a meeting with people in it.
const (
	personal = `"x-personal":{"subject":"contact","purpose":"relations","basis":"consent","keep":"P3Y"}`
	person   = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Person","type":"object","required":["name","mail"],"additionalProperties":false,
"x-type":{"name":"person","titleField":"name","slug":{"field":"slug","from":"name"},"public":true,"locales":["fr","en"]},
"properties":{"name":{"type":"string","minLength":1,"x-search":4,` + personal + `},"slug":{"type":"string","x-unique":true},"mail":{"type":"string","format":"email","x-unique":true,` + personal + `},
"phone":{"type":"string","format":"tel",` + personal + `},"bio":{"type":"string","x-localized":true,"x-search":1,` + personal + `},"emails":{"type":"array","items":{"type":"string"},` + personal + `},"city":{"type":"string","x-facet":true}}}`
	meeting = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Meeting","type":"object","required":["title"],"additionalProperties":false,
"x-type":{"name":"meeting","titleField":"title","slug":{"field":"slug","from":"title"},"public":true},
"properties":{"title":{"type":"string","minLength":1},"slug":{"type":"string","x-unique":true},"host":{"x-ref":{"types":["person"]}},
"attendance":{"type":"array","items":{"type":"object","required":["name"],"additionalProperties":false,"properties":{"name":{"type":"string","minLength":1,"x-search":1,` + personal + `},"role":{"type":"string"}}}}}}`
)

// traces are the bytes by which the person of these tests is known, however they are written.
var traces = []string{"Zébulonne", "Zebulonne", "zébulonne", "zebulonne", `Z\u00e9bulonne`, `Z\u00E9bulonne`, "Ze\u0301bulonne", "ZEBULONNE", "Imaginaire", "imaginaire", "IMAGINAIRE",
	"+33 6 12 34 56", "0612345678", "612345678"}

func privateSettings(t testing.TB) *config.Config {
	t.Helper()
	c := settings(t)
	for name, text := range map[string]string{"person.json": person, "meeting.json": meeting} {
		if err := os.WriteFile(filepath.Join(c.Schemas, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// filesWith lists the files below a directory that hold any of the traces.
func filesWith(t testing.TB, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found = append(found, tracesIn(filepath.Base(path), data)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func tracesIn(name string, data []byte) (found []string) {
	for _, trace := range traces {
		if bytes.Contains(data, []byte(trace)) {
			found = append(found, name+": "+trace)
		}
	}
	return found
}

// story is somebody in all the places of a store.
type story struct {
	t      testing.TB
	a      *app.App
	person string // identifiers
	trash  string
	met    string
}

func (s *story) call(method, path, body string, want int) map[string]any {
	s.t.Helper()
	got := request(s.t, s.a.Handler(), method, path, adminToken, body)
	if got.status != want {
		s.t.Fatalf("%s %s: got %d %v, want %d", method, path, got.status, got.body, want)
	}
	return got.body
}

// tell writes the person into drafts, published documents, versions, translations, lists, remarks, addresses, the trash, and
// an import.
func (s *story) tell() {
	s.t.Helper()
	const content = "/api/v1/content/"
	made := s.call("POST", content+"person?publish=true&comment=Zébulonne", `{"name":"Zébulonne Imaginaire","mail":"zebulonne@imaginaire.example","phone":"+33 6 12 34 56 78","bio":"Zébulonne, née en 1980.","emails":["z@imaginaire.example"],"city":"Nantes"}`, 201)
	s.person, _ = made["_id"].(string)
	s.call("PATCH", content+"person/"+s.person+"?publish=true", `{"_locale":"en","bio":"Zébulonne was born in 1980."}`, 200)
	s.call("PATCH", content+"person/"+s.person+"?publish=true", `{"name":"Zébulonne Imaginaire-Exemple","slug":"z-imaginaire","phone":"0612345678"}`, 200)
	s.call("PATCH", content+"person/"+s.person, `{"bio":"Zébulonne a déménagé."}`, 200)
	s.met, _ = s.call("POST", content+"meeting?publish=true", `{"title":"Séance","host":{"_ref":"`+s.person+`","_type":"person"},"attendance":[{"name":"Zébulonne Imaginaire","role":"guest"},{"name":"Camille Exemple"}]}`, 201)["_id"].(string)
	s.trash, _ = s.call("POST", content+"person", `{"name":"ZEBULONNE IMAGINAIRE","mail":"z2@imaginaire.example"}`, 201)["_id"].(string)
	s.call("PATCH", content+"person/"+s.trash, `{"phone":"+33 6 12 34 56 78"}`, 200)
	if got := request(s.t, s.a.Handler(), "DELETE", content+"person/"+s.trash, adminToken, ""); got.status != 204 {
		s.t.Fatalf("delete: %d %v", got.status, got.body)
	}
	report, err := s.a.Import(context.Background(), strings.NewReader(`{"_type":"person","name":"Z. Imaginaire","mail":"z3@imaginaire.example"}`+"\n"), app.ImportOptions{Publish: true, Format: "jsonl"})
	if err != nil || report.Failed > 0 {
		s.t.Fatalf("import: %+v, %v", report, err)
	}
}

// found asks the API who is found, as type/id.
func (s *story) found(text string) (entries []map[string]any) {
	s.t.Helper()
	body, _ := json.Marshal(map[string]string{"text": text})
	for _, e := range s.call("POST", "/api/v1/privacy/subjects", string(body), 200)["found"].([]any) {
		m := e.(map[string]any)
		entries = append(entries, map[string]any{"type": m["type"], "id": m["id"]})
	}
	return entries
}

// totals counts the entries that the public and editors see, and the versions of one.
func (s *story) totals() (all []any) {
	s.t.Helper()
	for _, path := range []string{"person?limit=1", "person?limit=1&state=draft", "person?limit=1&state=trash", "meeting?limit=1", "person?limit=1&filter[city]=Nantes"} {
		all = append(all, s.call("GET", "/api/v1/content/"+path, "", 200)["page"].(map[string]any)["total"])
	}
	return append(all, s.call("GET", "/api/v1/content/meeting/"+s.met+"/references", "", 200)["total"], s.call("GET", "/api/v1/content/person/"+s.person+"/references", "", 200)["total"])
}

// TestErasure erases somebody from everywhere: no byte is left in any file of the data directory, in exports, or in a backup
// that is made afterwards, while the store stands as before.
func TestErasure(t *testing.T) {
	t.Parallel()
	c := privateSettings(t)
	a, err := app.New(c, app.Options{Plugins: []plugin.Plugin{copier("dev.acme.copier"), copier("dev.acme.off")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, a: a}
	s.tell()
	copies := s.copies("dev.acme.copier")
	if got := tracesIn("view", []byte(copies.text)); len(got) == 0 || s.copies("dev.acme.off") != copies {
		t.Fatal("the views hold nothing of the person before: the test sees nothing")
	}
	s.call("PATCH", "/api/v1/plugins/dev.acme.off", `{"enabled":false}`, 200)
	s.call("GET", "/api/v1/content/person?q=imaginaire", "", 200) // into the cache
	before := s.totals()
	if got := filesWith(t, c.Data); len(got) == 0 {
		t.Fatal("the files hold nothing of the person before: the test sees nothing")
	}
	found := s.found("imaginaire")
	if len(found) != 4 {
		t.Fatalf("found %v", found)
	}
	body, _ := json.Marshal(map[string]any{"entries": found, "reason": "On request"})
	report := s.call("POST", "/api/v1/privacy/erasures", string(body), 201)
	if len(report["entries"].([]any)) != 4 || len(report["refused"].([]any)) != 0 || report["commits"].(float64) < 7 {
		t.Errorf("report: %v", report)
	}
	if got := filesWith(t, c.Data); len(got) > 0 {
		t.Errorf("still in the data directory: %q", got)
	}
	if after := s.totals(); !jsonEqual(before, after) {
		t.Errorf("counted %v before, %v after", before, after)
	}
	s.gone()
	after := s.copies("dev.acme.copier")
	if got := tracesIn("view", []byte(after.text)); len(got) > 0 || after.rows < copies.rows {
		t.Errorf("the view held %d rows and holds %d, with %q", copies.rows, after.rows, got)
	}
	s.call("PATCH", "/api/v1/plugins/dev.acme.off", `{"enabled":true}`, 200)
	if got := s.copies("dev.acme.off"); got != after {
		t.Errorf("the view whose plugin was off holds %+v, want %+v", got, after)
	}
	if err := a.VerifyCatalog(t.Context()); err != nil {
		t.Error(err)
	}
	revisions := s.call("GET", "/api/v1/content/person/"+s.person+"/revisions", "", 200)["data"].([]any)
	if len(revisions) != 5 || revisions[0].(map[string]any)["action"] != "erase" {
		t.Errorf("versions: %v", revisions)
	}
	for rev := range 5 {
		s.absent("GET", "/api/v1/content/person/"+s.person+"/revisions/"+string(rune('1'+rev)))
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if got := filesWith(t, c.Data); len(got) > 0 {
		t.Errorf("still in the data directory once it is closed: %q", got)
	}
	checkStore(t, c)
}

// copier is a plugin with a view of all that it is told of, under keys that tell it too.
type copier string

func (id copier) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: string(id), Version: "1.0.0"}
}

func (id copier) Register(r *plugin.Registry) error {
	return plugin.Views(r, plugin.View{Name: "copies", Fold: func(t plugin.Table, c core.Commit) error {
		for i, ch := range c.Changes {
			text, err := json.Marshal(ch)
			if err != nil {
				return err
			}
			var doc struct{ Name string }
			if err := json.Unmarshal([]byte(cmp.Or(string(ch.Draft), "{}")), &doc); err != nil {
				return err
			}
			t.Put(fmt.Sprintf("%09d/%d/%s", c.Position, i, doc.Name), text)
		}
		return nil
	}})
}

// copied is what a copier's view holds.
type copied struct {
	rows int
	text string
}

func (s *story) copies(id string) (all copied) {
	s.t.Helper()
	view := s.a.View(id, "copies")
	if err := view.Ready(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	rows, err := view.Scan(s.t.Context(), "", "", 0)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range rows {
		all.rows++
		all.text += r.Key + string(r.Value)
	}
	return all
}

// gone looks for the person wherever the API and exports could tell.
func (s *story) gone() {
	s.t.Helper()
	if got := s.found("imaginaire"); len(got) > 0 {
		s.t.Errorf("still found: %v", got)
	}
	for _, path := range []string{"person?q=imaginaire", "person?limit=50", "person?limit=50&state=draft", "person?limit=50&state=trash", "meeting?limit=50&include=host"} {
		s.absent("GET", "/api/v1/content/"+path)
	}
	s.absent("GET", "/api/v1/search?q=zebulonne")
	for _, slug := range []string{"zebulonne-imaginaire", "z-imaginaire"} {
		s.call("GET", "/api/v1/content/person/"+slug, "", 404)
	}
	for _, name := range []core.TypeName{"person", "meeting", "_erasure"} {
		for _, state := range []core.State{core.StateDraft, core.StatePublished, core.StateTrash} {
			var out bytes.Buffer
			if _, err := s.a.Export(context.Background(), &out, app.ExportOptions{Type: name, State: state, Format: "jsonl"}); err != nil {
				s.t.Fatal(err)
			}
			for _, trace := range tracesIn(string(name), out.Bytes()) {
				s.t.Errorf("still exported: %s", trace)
			}
		}
	}
}

func (s *story) absent(method, path string) {
	s.t.Helper()
	got, err := json.Marshal(s.call(method, path, "", 200))
	for _, trace := range tracesIn(path, got) {
		if !strings.Contains(path, "q=") || !strings.HasSuffix(trace, "imaginaire") {
			s.t.Errorf("still answered by %s (%v)", trace, err)
		}
	}
}

func jsonEqual(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// checkStore verifies the log and looks into a fresh backup.
func checkStore(t *testing.T, c *config.Config) {
	t.Helper()
	store, err := app.OpenStore(c)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	var packed bytes.Buffer
	if _, err := store.Backup(t.Context(), &packed, nil); err != nil {
		t.Fatal(err)
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plain, err := d.DecodeAll(packed.Bytes(), nil)
	if err != nil || !bytes.Contains(plain, []byte(`"redact"`)) {
		t.Fatalf("the backup cannot be read: %v", err)
	}
	for _, trace := range tracesIn("a backup", plain) {
		t.Errorf("still in %s", trace)
	}
}

// begun writes the first commit of an erasure and no more, as a node does that is killed right after it.
func begun(t *testing.T, a *app.App, id string) {
	t.Helper()
	e, err := a.Catalog().Entry(t.Context(), "person", core.EntryID(id))
	if err != nil {
		t.Fatal(err)
	}
	clean := core.Doc(`{"name":"—","slug":"` + id + `","mail":"anonyme@example.invalid"}`)
	ops := []core.Operation{{Op: core.OperationErase, Type: "person", ID: e.ID, IfMatch: e.Rev, Migrate: &core.Migrated{Draft: clean, Published: clean}},
		{Op: core.OperationCreate, Type: "_erasure", Data: map[string]any{"reason": "On request", "state": "pending", "entries": []any{map[string]any{"type": "person", "id": id}}}}}
	if _, err := a.Content().Write(t.Context(), core.System, ops, core.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// TestErasure_killed starts a node on a store whose last node was killed in the middle of an erasure.
func TestErasure_killed(t *testing.T) {
	t.Parallel()
	c := privateSettings(t)
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, a: a}
	id, _ := s.call("POST", "/api/v1/content/person?publish=true", `{"name":"Zébulonne Imaginaire","mail":"zebulonne@imaginaire.example"}`, 201)["_id"].(string)
	s.call("PATCH", "/api/v1/content/person/"+id, `{"phone":"+33 6 12 34 56 78"}`, 200)
	begun(t, a, id)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if len(filesWith(t, c.Data)) == 0 {
		t.Fatal("nothing is left to do: the test sees nothing")
	}
	again, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := filesWith(t, c.Data); len(got) > 0 {
		t.Errorf("still there after the next start: %q", got)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	checkStore(t, c)
}

// TestErasure_otherNode erases on one of two nodes: the other makes its catalog anew, and so does one that was down meanwhile
// when it comes back.
func TestErasure_otherNode(t *testing.T) {
	t.Parallel()
	server := ferrettest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	settingsOf := [3]*config.Config{}
	nodes := [3]*app.App{}
	for i := range nodes {
		c := privateSettings(t)
		c.MongoDB = config.MongoDB{URI: config.Secret(server.URI()), Database: server.Database()}
		settingsOf[i] = c
		nodes[i] = runningOn(ctx, t, c)
	}
	t.Cleanup(func() {
		stop()
		for _, a := range nodes {
			if a != nil {
				closed(t, a)
			}
		}
	})
	s := &story{t: t, a: nodes[0]}
	id, _ := s.call("POST", "/api/v1/content/person?publish=true", `{"name":"Zébulonne Imaginaire","mail":"zebulonne@imaginaire.example"}`, 201)["_id"].(string)
	at := nodes[0].Catalog().Position()
	for _, a := range nodes[1:] {
		caughtUp(t, a, at)
	}
	closed(t, nodes[2])
	nodes[2] = nil
	for _, a := range nodes[:2] {
		if got := (&story{t: t, a: a}).copies("dev.acme.copier"); len(tracesIn("view", []byte(got.text))) == 0 {
			t.Fatal("a view holds nothing of the person: the test sees nothing")
		}
	}
	for i, c := range settingsOf {
		if len(filesWith(t, c.Data)) == 0 {
			t.Fatalf("node %d holds nothing of the person: the test sees nothing", i)
		}
	}
	s.call("POST", "/api/v1/privacy/erasures", `{"entries":[{"type":"person","id":"`+id+`"}],"reason":"On request"}`, 201)
	if got := filesWith(t, settingsOf[0].Data); len(got) > 0 {
		t.Errorf("still on the node that erased: %q", got)
	}
	cleaned(t, settingsOf[1])
	nodes[2] = runningOn(ctx, t, settingsOf[2])
	cleaned(t, settingsOf[2])
	want := (&story{t: t, a: nodes[0]}).copies("dev.acme.copier")
	for _, a := range nodes[1:] {
		caughtUp(t, a, nodes[0].Catalog().Position())
		if got := (&story{t: t, a: a}).copies("dev.acme.copier"); got != want || len(tracesIn("view", []byte(got.text))) > 0 {
			t.Errorf("a view holds %+v, that of the node that erased %+v", got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(settingsOf[0].Data, "catalog.stale")); err == nil {
		t.Error("the node that erased makes its catalog anew once more")
	}
}

// runningOn starts a node that has its administrator's token already.
func runningOn(ctx context.Context, t *testing.T, c *config.Config) *app.App {
	t.Helper()
	a, err := app.New(c, app.Options{Plugins: []plugin.Plugin{copier("dev.acme.copier")}})
	if err == nil {
		err = a.Start(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func caughtUp(t *testing.T, a *app.App, at core.Position) {
	t.Helper()
	patience, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := a.Catalog().Wait(patience, at); err != nil {
		t.Fatal(err)
	}
}

// cleaned waits until no file of a node holds the person, nor says that there is something to do.
func cleaned(t *testing.T, c *config.Config) {
	t.Helper()
	look, late := time.NewTicker(50*time.Millisecond), time.After(60*time.Second)
	defer look.Stop()
	for {
		_, err := os.Stat(filepath.Join(c.Data, "catalog.stale"))
		if err != nil && len(filesUnder(c.Data)) == 0 {
			return
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("still there: %q", filesUnder(c.Data))
		}
	}
}

// filesUnder is filesWith for files that may go while one looks.
func filesUnder(dir string) (found []string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, _ := os.ReadFile(path)
			found = append(found, tracesIn(filepath.Base(path), data)...)
		}
		return nil
	})
	return found
}

// TestErasure_droppedField erases what a field held that the type had once: its schema of then says that it was personal.
func TestErasure_droppedField(t *testing.T) {
	t.Parallel()
	c := privateSettings(t)
	a := start(t, c)
	s := &story{t: t, a: a}
	id, _ := s.call("POST", "/api/v1/content/person?publish=true", `{"name":"Camille Exemple","mail":"camille@example.org","phone":"+33 6 12 34 56 78"}`, 201)["_id"].(string)
	without := strings.Replace(person, `"phone":{"type":"string","format":"tel",`+personal+`},`, "", 1)
	s.call("PUT", "/api/v1/types/person", `{"schema":`+without+`,"repairs":[{"kind":"drop","path":"phone"}]}`, 200)
	if got := s.call("GET", "/api/v1/content/person/"+id, "", 200); got["phone"] != nil || len(filesWith(t, c.Data)) == 0 {
		t.Fatalf("the field is there still, or nothing of it: %v", got)
	}
	s.call("POST", "/api/v1/privacy/erasures", `{"entries":[{"type":"person","id":"`+id+`"}],"reason":"On request"}`, 201)
	if got := filesWith(t, c.Data); len(got) > 0 {
		t.Errorf("still there: %q", got)
	}
}

// TestSweep has a node sweep by itself what another start has left for too long, once.
func TestSweep(t *testing.T) {
	t.Parallel()
	c := settings(t)
	guest := `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Guest","type":"object","additionalProperties":false,"x-type":{"name":"guest","slug":false},
"properties":{"name":{"type":"string","x-personal":{"subject":"guest","purpose":"events","basis":"contract","keep":"P7D","since":"day"}},"day":{"type":"string","format":"date"}}}`
	if err := os.WriteFile(filepath.Join(c.Schemas, "guest.json"), []byte(guest), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, step := range []struct {
		sweep  bool
		writes string // before it is looked
		want   bool   // whether the name is there in the end
	}{{false, `{"name":"Zébulonne","day":"2019-05-04"}`, true}, {true, "", false}, {true, `{"name":"Zébulonne","day":"2019-05-04"}`, true}} {
		c.Privacy.Sweep = step.sweep
		a := runningOn(ctx, t, c)
		s := &story{t: t, a: a}
		if step.writes != "" {
			s.call("POST", "/api/v1/content/guest", step.writes, 201)
		}
		if !step.want {
			cleaned(t, c)
		}
		closed(t, a)
		if there := len(filesWith(t, c.Data)) > 0; there != step.want {
			t.Errorf("%+v: there %t", step, there)
		}
	}
}
