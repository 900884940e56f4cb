package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
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

// tell writes the person into drafts, published documents, versions, translations, lists, remarks, addresses, the trash, an
// import, and under an Idempotency-Key.
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
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, a: a}
	s.tell()
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
