package shipped

import (
	"bufio"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/schemas"
	"github.com/palabre-cms/palabre/schemas/demo"
)

// demoLine is one line of the demo content.
type demoLine struct {
	place  string // file and line, for messages
	typ    core.TypeName
	status string
	at     string
	text   string
	doc    map[string]any // without the members that the import takes out
}

func (l *demoLine) slug() string { return fmt.Sprint(l.doc["slug"]) }

func demoLines(t *testing.T) (lines []demoLine) {
	t.Helper()
	for _, name := range demo.Order() {
		file, err := demo.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines = append(lines, readLines(t, name, file)...)
	}
	return lines
}

func readLines(t *testing.T, name string, file fs.File) (lines []demoLine) {
	t.Helper()
	in := bufio.NewScanner(file)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		place := fmt.Sprintf("%s.jsonl:%d", name, len(lines)+1)
		doc, err := jsondoc.DecodeObject(in.Bytes(), jsondoc.Default)
		if err != nil {
			t.Fatalf("%s: %v", place, err)
		}
		l := demoLine{place: place, typ: core.TypeName(take(doc, "_type")), status: take(doc, "_status"), at: take(doc, "_publishAt"), text: in.Text(), doc: doc}
		if string(l.typ) != name {
			t.Errorf("%s is of type %q", place, l.typ)
		}
		lines = append(lines, l)
	}
	return lines
}

func take(doc map[string]any, name string) string {
	s, _ := doc[name].(string)
	delete(doc, name)
	return s
}

func TestDemoFitsItsTypes(t *testing.T) {
	t.Parallel()
	types := compiled(t)
	there := map[string]bool{} // type/slug of the lines before
	for _, l := range demoLines(t) {
		resolve(t, &l, l.doc, there)
		for _, e := range types[l.typ].Validator.Validate(l.doc) {
			t.Errorf("%s (%s): %s %s %s", l.place, l.slug(), e.Pointer, e.Keyword, e.Message)
		}
		key := string(l.typ) + "/" + l.slug()
		if there[key] {
			t.Errorf("%s: the slug %s is there twice", l.place, l.slug())
		}
		there[key] = true
	}
}

// resolve does what the import does: a slug becomes an identifier, if the entry is there.
func resolve(t *testing.T, l *demoLine, v any, there map[string]bool) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			resolve(t, l, item, there)
		}
	case map[string]any:
		slug, ok := v["_slug"].(string)
		if !ok {
			for _, member := range v {
				resolve(t, l, member, there)
			}
			return
		}
		if !there[fmt.Sprintf("%s/%s", v["_type"], slug)] {
			t.Errorf("%s refers to %s %s, which does not come before it", l.place, v["_type"], slug)
		}
		delete(v, "_slug")
		v["_ref"] = "01jd0000000000000000000000"
	}
}

func TestDemoIsWhole(t *testing.T) {
	t.Parallel()
	count, rubrics, inEnglish := map[core.TypeName]int{}, map[string]int{}, map[core.TypeName]int{}
	for _, l := range demoLines(t) {
		if l.status == "published" {
			count[l.typ]++
		}
		if rubric, ok := l.doc["rubric"].(string); ok && l.status == "published" {
			rubrics[rubric]++
		}
		if _, ok := jsondoc.Lookup(l.doc, "_i18n.en.title"); ok {
			inEnglish[l.typ]++
		}
	}
	for name, want := range map[core.TypeName]int{"fiche": 40, "post": 8, "event": 7, "partner": 7, "minutes": 1, "tool": 8, "page": 10} {
		if count[name] != want {
			t.Errorf("%d published entries of %s, want %d", count[name], name, want)
		}
	}
	for name, want := range map[core.TypeName]int{"fiche": 40, "event": 8, "page": 10, "post": 10} {
		if inEnglish[name] != want {
			t.Errorf("%d titles of %s in English, want %d", inEnglish[name], name, want)
		}
	}
	f, _ := compiled(t)["post"].Field("rubric")
	for _, v := range f.Enum {
		if rubrics[fmt.Sprint(v.Value)] != 1 {
			t.Errorf("rubric %v: %d posts, want one", v.Value, rubrics[fmt.Sprint(v.Value)])
		}
	}
}

func TestDemoStatuses(t *testing.T) {
	t.Parallel()
	types, seen := compiled(t), map[string]bool{}
	for _, l := range demoLines(t) {
		seen[l.status] = true
		if (l.status == "scheduled") != (l.at != "") {
			t.Errorf("%s: _status %s with _publishAt %q", l.place, l.status, l.at)
		}
		if l.status == "draft" {
			continue
		}
		way, allowed, _ := types[l.typ].Workflow.Transition("publish", core.StatusDraft)
		if !allowed {
			t.Errorf("%s: %s cannot be published from a draft", l.place, l.typ)
		}
		for _, field := range way.Requires {
			if _, ok := jsondoc.Lookup(l.doc, field); !ok {
				t.Errorf("%s cannot be published without %s", l.place, field)
			}
		}
	}
	for _, status := range []string{"draft", "published", "scheduled"} {
		if !seen[status] {
			t.Errorf("nothing in the demo is %s", status)
		}
	}
}

var address = regexp.MustCompile(`[\w.+-]+@[\w.-]+`)

func TestDemoHasNobodysAddress(t *testing.T) {
	t.Parallel()
	for _, l := range demoLines(t) {
		for _, found := range address.FindAllString(l.text, -1) {
			if !strings.HasSuffix(found, "@example.org") {
				t.Errorf("%s names %s", l.place, found)
			}
		}
	}
}

func TestDemoPostponedEvent(t *testing.T) {
	t.Parallel()
	lines := demoLines(t)
	i := slices.IndexFunc(lines, func(l demoLine) bool { return l.doc["eventStatus"] == "reporte" })
	if i < 0 || lines[i].doc["mode"] != "hybride" || len(jsondoc.Values(lines[i].doc, "previousDates.start")) == 0 {
		t.Error("no event was postponed and is hybrid")
	}
}

func TestDemoTypesAreShipped(t *testing.T) {
	t.Parallel()
	all, err := schemas.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(demo.Order()) {
		t.Errorf("%d types, %d files", len(all), len(demo.Order()))
	}
	if _, err := demo.All(); err != nil {
		t.Error(err)
	}
}
