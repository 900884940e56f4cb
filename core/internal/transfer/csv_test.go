package transfer_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/internal/transfer"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

func TestImport_CSV(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		text string
		want string
	}{
		{name: "commas", text: "title,population\nA,12", want: `{"population":12,"title":"A"}`},
		{name: "semicolons, quotes, line breaks", text: "title;population\r\n\"A; \"\"B\"\"\nC\";12\r\n", want: `{"population":12,"title":"A; \"B\"\nC"}`},
		{name: "byte order mark", text: "\xef\xbb\xbftitle\nA", want: `{"title":"A"}`},
		{name: "groups", text: "title,commune.code\nA,01004", want: `{"commune":{"code":"01004"},"title":"A"}`},
		{name: "empty cells are no values", text: "title,population,tags\nA,,", want: `{"title":"A"}`},
		{name: "fewer cells", text: "title,population\nA", want: `{"title":"A"}`},
		{name: "French numbers", text: "title;population;share\nA;1 234 567;12,5", want: `{"population":1234567,"share":12.5,"title":"A"}`},
		{name: "a number that is none stays text", text: "title,population\nA,many", want: `{"population":"many","title":"A"}`},
		{name: "truth", text: "title,open\nA,Oui", want: `{"open":true,"title":"A"}`},
		{name: "French date", text: "title,day\nA,31/12/2026", want: `{"day":"2026-12-31","title":"A"}`},
		{name: "vocabulary by label", text: "title,practice\nA,petite  Ville", want: `{"practice":"PV","title":"A"}`},
		{name: "list", text: "title,tags\nA,eau | vélo", want: `{"tags":["eau","vélo"],"title":"A"}`},
		{name: "list as JSON", text: "title,tags\nA,\"[\"\"a|b\"\"]\"", want: `{"tags":["a|b"],"title":"A"}`},
		{name: "point", text: "title,location.lat,location.lon\nA,48.85,-2.35", want: `{"location":{"coordinates":[-2.35,48.85],"type":"Point"},"title":"A"}`},
		{name: "reference by slug", text: "title,slug,partner\nP,atelier,\nA,a,atelier", want: `{"partner":{"_slug":"atelier","_type":"partner"},"slug":"a","title":"A"}`},
		{name: "groups in lists as JSON", text: "title,steps\nA,\"[{\"\"title\"\":\"\"x\"\"}]\"", want: `{"steps":[{"title":"x"}],"title":"A"}`},
		{name: "guarded formula", text: "title\n'=1+1", want: `{"title":"=1+1"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			to := newSink()
			_, bad := run(t, to, tc.text, transfer.ImportOptions{Type: "fiche"})
			if len(bad) > 0 {
				t.Fatal(bad)
			}
			if got := string(jsondoc.Encode(to.ops[len(to.ops)-1].Data)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestImport_CSVBadRows(t *testing.T) {
	t.Parallel()
	report, bad := run(t, newSink(), "title,population\nA,1,2\nB\"x,2\nC,3\n", transfer.ImportOptions{Type: "fiche"})
	if report.Created != 1 || len(bad) != 2 || !strings.HasPrefix(bad[0], "line 2: The row has 3 cells") || !strings.HasPrefix(bad[1], "line 3: The row cannot be read") {
		t.Errorf("got %s, %q", totals(report), bad)
	}
}

func TestImport_Mapping(t *testing.T) {
	t.Parallel()
	mapping, err := transfer.ParseMapping([]byte(`
type: fiche
fields: {Intitulé: title, Code INSEE: commune.code, Remarques: "", Thèmes: tags, Etat: _status}
values:
  practice: {Grande Ville: GV}
  tags: {velo: vélo}
defaults: {population: 0, share: 1.5}
separators: {tags: ","}
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"csv":   "INTITULE;Code INSEE;remarques;practice;Themes;etat\nA;01004;x;grande ville;eau,Vélo;draft",
		"jsonl": `{"intitulé":"A","code insee":"01004","Remarques":"x","practice":"GRANDE VILLE","themes":["eau","VELO"],"etat":"draft"}`,
	} {
		to := newSink()
		if _, bad := run(t, to, text, transfer.ImportOptions{Mapping: mapping, Publish: true}); len(bad) > 0 {
			t.Fatalf("%s: %q", name, bad)
		}
		want := `{"commune":{"code":"01004"},"population":0,"practice":"GV","share":1.5,"tags":["eau","vélo"],"title":"A"}`
		if got := string(jsondoc.Encode(to.entries[""])); got != want || to.ops[0].Publish {
			t.Errorf("%s: got %s, publish %t; want %s", name, got, to.ops[0].Publish, want)
		}
	}
}

func TestParseMapping_UnknownKey(t *testing.T) {
	t.Parallel()
	if _, err := transfer.ParseMapping([]byte("feilds: {}")); err == nil || !strings.Contains(err.Error(), "line 1: field feilds not found") {
		t.Errorf("got %v", err)
	}
}

// pages gives documents once.
type pages struct{ docs []map[string]any }

func (p *pages) Next(context.Context) ([]map[string]any, int, error) {
	docs := p.docs
	if p.docs = nil; docs == nil {
		return nil, 0, io.EOF
	}
	return docs, len(docs), nil
}

func export(t *testing.T, f transfer.Format, docs ...string) string {
	t.Helper()
	p := &pages{}
	for _, text := range docs {
		doc, err := jsondoc.ParseObject([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p.docs = append(p.docs, doc)
	}
	var b strings.Builder
	if _, err := transfer.Export(t.Context(), &b, p, transfer.ExportOptions{Type: fiche(), Format: f}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What a spreadsheet could run is never the beginning of a cell, and comes back as it was.
func TestExport_CSVNoFormulas(t *testing.T) {
	t.Parallel()
	for _, title := range []string{"=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=1", "''=1", "'plain", "plain"} {
		doc := string(jsondoc.Encode(map[string]any{"title": title, "tags": []any{title}, "commune": map[string]any{"code": title}}))
		text := export(t, transfer.CSV, doc)
		for _, cell := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' }) {
			if cell = strings.Trim(cell, "\""); cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("%q: the cell %q may run", title, cell)
			}
		}
		to := newSink()
		run(t, to, text, transfer.ImportOptions{Type: "fiche"})
		if got := to.ops[0].Data["title"]; got != title {
			t.Errorf("got %q back, want %q", got, title)
		}
	}
}

const whole = `{"_id":"01jdzzzzzzzzzzzzzzzzzzzzzz","_type":"fiche","_status":"published","title":"Un, \"deux\"; trois","slug":"a",` +
	`"commune":{"code":"01004"},"population":12,"share":-0.50,"open":false,"day":"2026-12-31","practice":"PV","tags":["eau","a|b"],` +
	`"location":{"type":"Point","coordinates":[-1.55,47.2]},"steps":[{"title":"x"}],"_i18n":{"en":{"title":"One"}}}`

func TestExport_RoundTrip(t *testing.T) {
	t.Parallel()
	for _, f := range []transfer.Format{transfer.JSONLines, transfer.CSV} {
		to := newSink()
		if _, bad := run(t, to, export(t, f, whole), transfer.ImportOptions{}); len(bad) > 0 {
			t.Fatalf("%s: %q", f, bad)
		}
		op := to.ops[0]
		op.Data["_id"], op.Data["_type"], op.Data["_status"] = string(op.ID), string(op.Type), "published"
		want, err := jsondoc.ParseObject([]byte(whole))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(jsondoc.Encode(op.Data)), string(jsondoc.Encode(want)); got != want || !op.Publish {
			t.Errorf("%s: publish %t\ngot  %s\nwant %s", f, op.Publish, got, want)
		}
	}
}

func TestExport_JSONLinesAreInTheTypesOrder(t *testing.T) {
	t.Parallel()
	got := export(t, transfer.JSONLines, `{"zzz":1,"slug":"a","title":"A","_id":"x","_i18n":{}}`)
	if want := `{"_id":"x","title":"A","slug":"a","_i18n":{},"zzz":1}` + "\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestExport_CSVHeader(t *testing.T) {
	t.Parallel()
	header, _, _ := strings.Cut(export(t, transfer.CSV, `{"title":"A"}`), "\n")
	want := "\xef\xbb\xbf_id,_type,_status,_publishAt,_unpublishAt,_locale,_rev,_createdAt,_updatedAt,_publishedAt," +
		"title,slug,commune.code,population,share,open,day,practice,tags,location.lat,location.lon,partner,steps,_i18n"
	if header != want {
		t.Errorf("got %s, want %s", header, want)
	}
}
