package text

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/palabre-cms/palabre/core"
)

func open(t *testing.T, dir string) *Index {
	t.Helper()
	x, err := Open(dir, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// opened gives an index that holds docs and is closed with the test.
func opened(t *testing.T, docs ...Doc) *Index {
	t.Helper()
	x := open(t, t.TempDir())
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	apply(t, x, 1, docs)
	return x
}

func apply(t *testing.T, x *Index, at core.Position, docs []Doc, remove ...uint64) {
	t.Helper()
	if err := x.Apply(context.Background(), at, docs, remove); err != nil {
		t.Fatal(err)
	}
}

// fiche is a published fiche whose title is the text.
func fiche(row uint64, locale core.Locale, title string) Doc {
	return Doc{Row: row, Type: "fiche", Published: true, Locale: locale, Fields: []FieldText{{Path: "title", Weight: 4, Text: title}}}
}

func query(text string) Query { return Query{Text: text, Looks: []Look{{Type: "fiche"}}} }

func find(t *testing.T, x *Index, q Query) []Match {
	t.Helper()
	m, err := x.Search(context.Background(), q)
	if err != nil {
		t.Fatalf("%q: %v", q.Text, err)
	}
	return m
}

func rows(matches []Match) []uint64 {
	out := []uint64{}
	for _, m := range matches {
		out = append(out, m.Row)
	}
	return out
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, locale, text, query string
		found                     bool
	}{
		{"accents in the text", "fr", "Référendum local", "referendum local", true},
		{"accents in the query", "fr", "Referendum local", "référendum", true},
		{"decomposed accents", "fr", "Re\u0301fe\u0301rendum", "référendum", true},
		{"case", "fr", "Référendum local", "RÉFÉRENDUM LOCAL", true},
		{"plural in the query", "fr", "une école", "écoles", true},
		{"plural in the text", "fr", "des écoles", "ecole", true},
		{"-aux", "fr", "les élus locaux", "local", true},
		{"ligature", "fr", "Le cœur de ville", "coeur", true},
		{"elision", "fr", "l'école", "école", true},
		{"typographic elision", "fr", "l’écologie", "écologie", true},
		{"elision in the query", "fr", "École", "l’école", true},
		{"qu'", "fr", "ce qu’habitants disent", "habitant", true},
		{"not an elision", "fr", "aujourd’hui", "aujourd'hui", true},
		{"hyphen", "fr", "Saint-Étienne", "saint etienne", true},
		{"inclusive base", "fr", "les citoyen·ne·s tiré·e·s au sort", "citoyen", true},
		{"inclusive feminine", "fr", "les citoyen·ne·s", "citoyennes", true},
		{"inclusive singular", "fr", "Chargé·e de mission", "chargé", true},
		{"inclusive feminine singular", "fr", "Chargé·e de mission", "chargée de mission", true},
		{"inclusive -rice", "fr", "Directeur·rice", "directrice", true},
		{"inclusive full stops", "fr", "les habitant.e.s inscrits", "habitante", true},
		{"inclusive brackets", "fr", "chargé(e)s de projet", "chargés", true},
		{"inclusive in the query", "fr", "Les citoyens", "citoyen·ne·s", true},
		{"after an inclusive word", "fr", "élu·e·s locaux", "locaux", true},
		{"full stop between words", "fr", "fin.Début", "début", true},
		{"English stems", "en", "Participatory budgets", "budgeting participatory", true},
		{"English possessive", "en", "The city's assembly", "city", true},
		{"English typographic possessive", "en", "The city’s assembly", "cities", true},
		{"no language: French stems", "", "des écoles", "école", true},
		{"no language: as written", "", "Parliament watching", "watching", true},
		{"another language", "oc", "Lo conselh municipal", "conselh", true},
		{"function words in the query", "fr", "conseil de quartier", "le conseil du quartier", true},
		{"function words only", "fr", "conseil de quartier", "le de la", false},
		{"été is a word", "fr", "Université d’été", "ete", true},
		{"all words", "fr", "conseil de quartier", "conseil citoyen", false},
		{"another word", "fr", "école", "mairie", false},
		{"beginning of the last word", "fr", "Les participations", "partici", true},
		{"beginning longer than its stem", "fr", "La participation", "participati", true},
		{"beginning of another word", "fr", "participation ouverte", "particip ouv", true},
		{"two letters are no beginning", "fr", "participation", "pa", false},
		{"beginnings are for the last word", "fr", "participation ouverte", "ouv participation", false},
		{"one mistake", "fr", "budget participatif", "budjet participatif", true},
		{"a letter left out", "fr", "consultation", "consutation", true},
		{"a mistake in a short word", "fr", "vote", "vite", false},
		{"two mistakes", "fr", "budget", "bodjet", false},
		{"short stems have no neighbours", "fr", "budget éco-citoyen", "écoles", false},
		{"number", "fr", "Loi de 2019", "2019", true},
		{"nothing to look for", "fr", "école", " - \"\" ! ", false},
		{"excluded alone", "fr", "école", "-mairie", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := opened(t, fiche(7, core.Locale(c.locale), c.text))
			want := []uint64{}
			if c.found {
				want = append(want, 7)
			}
			if got := rows(find(t, x, query(c.query))); !slices.Equal(got, want) {
				t.Errorf("%q in %q gives %v, want %v", c.query, c.text, got, want)
			}
		})
	}
}

func TestPhrases(t *testing.T) {
	t.Parallel()
	x := opened(t,
		fiche(1, "fr", "Budget participatif de la ville"),
		fiche(2, "fr", "Un participatif budget"),
		fiche(3, "fr", "Le budget est-il participatif ?"),
		fiche(4, "fr", "Conseil de quartier"),
		fiche(5, "fr", "Conseil, quartier"),
		Doc{Row: 6, Type: "fiche", Published: true, Locale: "fr", Fields: []FieldText{
			{Path: "a", Weight: 4, Text: "budget"}, {Path: "b", Weight: 4, Text: "participatif"}}},
		fiche(7, "fr", "Les citoyen·ne·s élu·e·s"),
	)
	for _, c := range []struct {
		query string
		want  []uint64
	}{
		{`"budget participatif"`, []uint64{1}},
		{`"budgets participatifs"`, []uint64{1}},
		{`«budget participatif»`, []uint64{1}},
		{`“budget participatif” ville`, []uint64{1}},
		{`"participatif budget"`, []uint64{2}},
		{`"budget participatif`, []uint64{1, 2, 3, 6}}, // without its partner a quotation mark means nothing
		{`"conseil de quartier"`, []uint64{4}},
		{`"conseil quartier"`, []uint64{5}},
		{`"citoyennes élues"`, []uint64{7}},
		{`budget -"budget participatif"`, []uint64{2, 3, 6}},
		{`budget -participatif`, []uint64{}},
		{`budget -ville`, []uint64{2, 3, 6}},
		{`conseil -de`, []uint64{4, 5}},
	} {
		got := rows(find(t, x, query(c.query)))
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s gives %v, want %v", c.query, got, c.want)
		}
	}
}

func weighted(row uint64, title, summary, body string) Doc {
	return Doc{Row: row, Type: "fiche", Published: true, Locale: "fr", Fields: []FieldText{
		{Path: "title", Weight: 4, Text: title}, {Path: "summary", Weight: 2, Text: summary}, {Path: "body", Weight: 1, Text: body}}}
}

func TestRanking(t *testing.T) {
	t.Parallel()
	x := opened(t,
		weighted(1, "La ville", "Une mairie", "Le budget y est voté"),
		weighted(2, "Le budget", "Une mairie", "Rien"),
		weighted(3, "La ville", "Le budget", "Rien"),
		weighted(4, "Le budget", "Le budget", "Le budget"),
		weighted(5, "La ville", "Rien", "Rien"),
	)
	if got, want := rows(find(t, x, query("budget"))), []uint64{4, 2, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("by weight %v, want %v", got, want)
	}
	both := rows(find(t, x, query("mairie budget")))
	if want := []uint64{2, 1}; !slices.Equal(both, want) {
		t.Errorf("two words %v, want %v", both, want)
	}
}

func TestEqualScoresByRow(t *testing.T) {
	t.Parallel()
	x := opened(t, fiche(30, "fr", "école"), fiche(10, "fr", "école"), fiche(20, "fr", "école"))
	if got, want := rows(find(t, x, query("école"))), []uint64{10, 20, 30}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestLocaleComesFirst(t *testing.T) {
	t.Parallel()
	x := opened(t, fiche(1, "fr", "participation"), fiche(2, "en", "participation"))
	for locale, want := range map[core.Locale][]uint64{"fr": {1, 2}, "en": {2, 1}, "": {1, 2}} {
		q := query("participation")
		q.Locale = locale
		if got := rows(find(t, x, q)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", locale, got, want)
		}
	}
}

// What is hidden must not move a public rank: neither drafts, nor other types, nor private fields.
func TestHiddenMovesNothing(t *testing.T) {
	t.Parallel()
	var docs []Doc
	for i := range uint64(20) {
		docs = append(docs, weighted(i+1, fmt.Sprintf("Budget %d", i), strings.Repeat("participatif ", int(i%4)), "Une école"))
	}
	x := opened(t, docs...)
	public := find(t, x, query("budget participatif"))
	if len(public) != 15 {
		t.Fatalf("%d matches", len(public))
	}
	hidden := []Doc{}
	for i := range uint64(50) {
		d := weighted(100+i, "Budget participatif", "Budget participatif", "Budget")
		switch i % 3 {
		case 0:
			d.Published = false
		case 1:
			d.Type = "minutes"
		default:
			for f := range d.Fields {
				d.Fields[f].Private = true
			}
			d.Type = "note"
		}
		hidden = append(hidden, d)
	}
	secret := docs[0]
	secret.Fields = append(slices.Clone(secret.Fields), FieldText{Path: "note", Weight: 4, Text: "Budget participatif", Private: true})
	apply(t, x, 2, append(hidden, secret))
	if diff := cmp.Diff(public, find(t, x, query("budget participatif"))); diff != "" {
		t.Errorf("what is hidden moved a public answer: %s", diff)
	}
	q := query("budget participatif")
	q.Drafts = true
	if got := find(t, x, q); len(got) != 15+17 {
		t.Errorf("with drafts %d matches, want 32", len(got))
	}
	q = query("budget participatif")
	q.Looks[0].Private = true
	if got := rows(find(t, x, q)); !slices.Contains(got, 1) || len(got) != 16 {
		t.Errorf("with private fields %v", got)
	}
}

func TestScoresDoNotDependOnSegments(t *testing.T) {
	t.Parallel()
	var docs []Doc
	for i := range uint64(30) {
		docs = append(docs, weighted(i+1, "Budget", strings.Repeat("participatif ", int(i%5)), "École"))
	}
	whole := opened(t, docs...)
	pieces := opened(t)
	for i, d := range docs {
		apply(t, pieces, core.Position(i+2), []Doc{fiche(d.Row, "fr", "participatif")})
		apply(t, pieces, core.Position(i+2), []Doc{d})
	}
	if diff := cmp.Diff(find(t, whole, query("budget participatif")), find(t, pieces, query("budget participatif"))); diff != "" {
		t.Error(diff)
	}
}

func TestDraftBesidePublished(t *testing.T) {
	t.Parallel()
	published, draft := fiche(1, "fr", "Ancienne école"), fiche(1, "fr", "Nouvelle mairie")
	draft.Published = false
	x := opened(t, published, draft)
	q := query("école")
	if got := rows(find(t, x, q)); !slices.Equal(got, []uint64{1}) {
		t.Errorf("public: %v", got)
	}
	q.Drafts = true
	if got := rows(find(t, x, q)); len(got) != 0 {
		t.Errorf("the published text shows beside a draft: %v", got)
	}
	q.Text = "mairie"
	if got := rows(find(t, x, q)); !slices.Equal(got, []uint64{1}) {
		t.Errorf("draft: %v", got)
	}
	q.Drafts = false
	if got := rows(find(t, x, q)); len(got) != 0 {
		t.Errorf("the public finds a draft: %v", got)
	}
}

func TestApplyReplaces(t *testing.T) {
	t.Parallel()
	x := opened(t, fiche(1, "fr", "école"), fiche(2, "fr", "école"))
	draft := fiche(1, "fr", "école")
	draft.Published = false
	apply(t, x, 2, []Doc{draft}, 2)
	if got := rows(find(t, x, query("école"))); len(got) != 0 {
		t.Errorf("unpublished and removed rows are found: %v", got)
	}
	if p, d := x.Count(); p != 0 || d != 1 {
		t.Errorf("holds %d and %d", p, d)
	}
	apply(t, x, 3, []Doc{fiche(1, "fr", "mairie")})
	p, d, err := x.Rows(context.Background())
	if err != nil || !slices.Equal(p, []uint64{1}) || len(d) != 0 {
		t.Errorf("rows %v %v %v", p, d, err)
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	docs := []Doc{weighted(1, "Budget", "école", "mairie"), weighted(2, "Budget", "budget", "mairie")}
	x := opened(t, docs...)
	before := find(t, x, query("budget"))
	apply(t, x, 1, docs, 99)
	if diff := cmp.Diff(before, find(t, x, query("budget"))); diff != "" {
		t.Error(diff)
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	x, err := Open(t.TempDir(), Options{Workers: 1, Batch: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	var docs []Doc
	for i := range uint64(10) {
		docs = append(docs, fiche(i, "fr", "école"))
	}
	apply(t, x, 5, docs)
	if got := len(find(t, x, query("école"))); got != 10 || x.Position() != 5 {
		t.Errorf("%d found at %d", got, x.Position())
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := open(t, dir)
	draft := fiche(3, "fr", "école")
	draft.Published = false
	apply(t, x, 41, []Doc{fiche(1, "fr", "école"), fiche(2, "en", "school"), draft})
	apply(t, x, 42, nil, 2)
	q := query("école")
	q.Drafts = true
	before := find(t, x, q)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = open(t, dir)
	defer x.Close()
	if x.Position() != 42 {
		t.Errorf("position %d, want 42", x.Position())
	}
	if diff := cmp.Diff(before, find(t, x, q)); diff != "" || len(before) != 2 {
		t.Error(before, diff)
	}
	if p, d := x.Count(); p != 1 || d != 1 {
		t.Errorf("holds %d and %d", p, d)
	}
	if got := find(t, x, query("school")); len(got) != 0 {
		t.Errorf("a removed row came back: %v", got)
	}
}

func TestDamagedIndexIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := open(t, dir)
	apply(t, x, 9, []Doc{fiche(1, "fr", "école")})
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "published", "root.bolt"), []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	x = open(t, dir)
	defer x.Close()
	if x.Position() != 0 {
		t.Errorf("position %d, want 0: the caller must fill it again", x.Position())
	}
	apply(t, x, 9, []Doc{fiche(1, "fr", "école")})
	if got := find(t, x, query("école")); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := open(t, dir)
	apply(t, x, 1, []Doc{fiche(1, "fr", "école")})
	if _, err := Open(dir, Options{}); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("a second process gets %v", err)
	}
	if got := find(t, x, query("école")); len(got) != 1 {
		t.Errorf("the first one lost its index: %v", got)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	x := open(t, t.TempDir())
	apply(t, x, 1, []Doc{fiche(1, "fr", "école")})
	for range 2 {
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.Search(context.Background(), query("école")); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("a search gets %v", err)
	}
	if err := x.Apply(context.Background(), 2, []Doc{fiche(2, "fr", "école")}, nil); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("a change gets %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	x := opened(t, fiche(1, "fr", "école"))
	for name, text := range map[string]string{
		"letters": strings.Repeat("é", 201), "words": strings.Repeat("mot ", 13), "words of a phrase": `"` + strings.Repeat("mot ", 13) + `"`,
	} {
		if _, err := x.Search(context.Background(), query(text)); core.CodeOf(err) != core.CodeBadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := find(t, x, query(strings.Repeat("é", 200))); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestHostileQueries(t *testing.T) {
	t.Parallel()
	x := opened(t, fiche(1, "fr", "école title"), fiche(2, "fr", "mairie"))
	for _, text := range []string{
		"title:mairie", "+école +mairie", "mair*", "/ma.*/", "école~2", "école^100", "*", "?", "école AND mairie", "(école OR mairie)",
		"_id:*", "\x00", "\xff\xfe", "' OR 1=1 --", "--", "-", "-\"", "\"", `"-"`, "··", "école·", "l’", "’", "(e)", ".e", "#", "fiche +f4", "< > <= >=", "[a TO z]",
		"\u202eécole", strings.Repeat("\"", 200), strings.Repeat("-", 200), "e\u0301\u0301\u0301\u0301",
	} {
		m, err := x.Search(context.Background(), query(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if len(m) == 2 {
			t.Errorf("%q found everything", text)
		}
		x.Highlight(query(text), []FieldText{{Path: "t", Text: text}})
	}
}

func FuzzSearch(f *testing.F) {
	for _, seed := range []string{`"a b" -c`, "l’école", "citoyen·ne·s", "chargé(e)s", "a.e.s", "-\"x"} {
		f.Add(seed, seed)
	}
	x, err := Open(f.TempDir(), Options{Workers: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { x.Close() })
	f.Fuzz(func(t *testing.T, text, q string) {
		apply(t, x, 1, []Doc{fiche(1, "fr", text), fiche(2, "", text)})
		if _, err := x.Search(context.Background(), query(q)); err != nil && core.CodeOf(err) != core.CodeBadRequest {
			t.Fatal(err)
		}
		for _, fragments := range x.Highlight(query(q), []FieldText{{Path: "t", Text: text}}) {
			for _, s := range fragments {
				bare := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(s)
				if strings.ContainsAny(bare, `<>"'`) {
					t.Fatalf("not escaped: %q", s)
				}
			}
		}
	})
}

func TestHighlight(t *testing.T) {
	t.Parallel()
	x := opened(t)
	long := strings.Repeat("Rien à voir ici. ", 30) + "Un budget participatif. " + strings.Repeat("Encore du vide. ", 30)
	for _, c := range []struct {
		name, query, text string
		private           bool
		want              []string
	}{
		{"a word", "ecole", "L’école & les écoles", false, []string{"L’<mark>école</mark> &amp; les <mark>écoles</mark>"}},
		{"escapes", "script", `<script>alert("x")</script>`, false, []string{`&lt;<mark>script</mark>&gt;alert(&#34;x&#34;)&lt;/<mark>script</mark>&gt;`}},
		{"inclusive", "citoyennes", "Les citoyen·ne·s.", false, []string{"Les <mark>citoyen·ne·s</mark>."}},
		{"beginning", "partic", "La participation", false, []string{"La <mark>participation</mark>"}},
		{"mistake", "budjet", "Le budget", false, []string{"Le <mark>budget</mark>"}},
		{"not the excluded", "budget -ville", "Le budget de la ville", false, []string{"Le <mark>budget</mark> de la ville"}},
		{"nothing", "mairie", "Le budget", false, nil},
		{"private", "budget", "Le budget", true, nil},
		{"a stretch of a long text", "budget", long, false, []string{"… voir ici. Rien à voir ici. Rien à voir ici. Rien à voir ici. Rien à voir ici. Un <mark>budget</mark> participatif. Encore du vide. Encore du vide. Encore du vide. Encore du vide. Encore …"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := x.Highlight(query(c.query), []FieldText{{Path: "t", Text: c.text, Private: c.private}})["t"]
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q\nwant %q", got, c.want)
			}
		})
	}
}

func TestHighlightsOfOneLanguage(t *testing.T) {
	t.Parallel()
	x := opened(t)
	fields := []FieldText{{Path: "title", Text: "Budget de la ville", Locale: "fr"}, {Path: "title", Text: "The city’s budget", Locale: "en"}, {Path: "name", Text: "Budget", Locale: "fr"}}
	for locale, want := range map[core.Locale]string{"": "<mark>Budget</mark> de la ville", "fr": "<mark>Budget</mark> de la ville", "en": "The city’s <mark>budget</mark>", "oc": "<mark>Budget</mark> de la ville"} {
		q := query("budget")
		q.Locale = locale
		got := x.Highlight(q, fields)
		if !slices.Equal(got["title"], []string{want}) || len(got["name"]) != 1 {
			t.Errorf("%q: %q", locale, got)
		}
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	post := fiche(2, "fr", "école")
	post.Type = "post"
	x := opened(t, fiche(1, "fr", "école"), post)
	for _, c := range []struct {
		types []core.TypeName
		want  []uint64
	}{{[]core.TypeName{"fiche"}, []uint64{1}}, {[]core.TypeName{"post"}, []uint64{2}}, {[]core.TypeName{"fiche", "post"}, []uint64{1, 2}}, {nil, []uint64{}}, {[]core.TypeName{"po"}, []uint64{}}} {
		q := Query{Text: "école"}
		for _, name := range c.types {
			q.Looks = append(q.Looks, Look{Type: name})
		}
		if got := rows(find(t, x, q)); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.types, got, c.want)
		}
	}
}

func TestFuzzyOnRequest(t *testing.T) {
	t.Parallel()
	x := opened(t, fiche(1, "fr", "consultation"), fiche(2, "fr", "consultasion"))
	q := query("consultation")
	if got := rows(find(t, x, q)); !slices.Equal(got, []uint64{1}) {
		t.Errorf("exactly: %v", got)
	}
	q.Fuzzy = true
	if got := rows(find(t, x, q)); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("with mistakes: %v", got)
	}
}

func TestSearchWhileApplying(t *testing.T) {
	t.Parallel()
	x := opened(t, fiche(1, "fr", "école"))
	done := make(chan error, 1)
	go func() {
		for i := range 50 {
			if err := x.Apply(context.Background(), core.Position(i+2), []Doc{fiche(1, "fr", fmt.Sprintf("école %d", i)), fiche(uint64(i+2), "fr", "mairie")}, nil); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
			if got := rows(find(t, x, query("école"))); !slices.Equal(got, []uint64{1}) {
				t.Fatalf("%v", got)
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	x := opened(t, fiche(1, "fr", "école"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := x.Search(ctx, query("école")); err == nil {
		t.Error("a search went on after its caller had gone")
	}
}
