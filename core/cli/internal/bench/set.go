package bench

import (
	"bufio"
	"embed"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/palabre-cms/palabre/core/jsondoc"
)

//go:embed types/*.json
var typeFiles embed.FS

// The files of a set, in the order in which they are imported.
const (
	partnersFile = "1-partners.jsonl"
	fichesFile   = "2-fiches.jsonl"
)

const seed = 20260101

// WriteSet writes the types and n invented fiches with their partners into a directory. The first lines of a larger
// set are those of a smaller one.
func WriteSet(dir string, n int) error {
	if err := writeTypes(dir); err != nil {
		return err
	}
	g := newGenerator()
	if err := writeLines(filepath.Join(dir, partnersFile), partnerCount, g.partner); err != nil {
		return err
	}
	return writeLines(filepath.Join(dir, fichesFile), n, g.fiche)
}

func writeTypes(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "types"), 0o755); err != nil {
		return err
	}
	files, err := typeFiles.ReadDir("types")
	if err != nil {
		return err
	}
	for _, f := range files {
		text, err := typeFiles.ReadFile("types/" + f.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "types", f.Name()), text, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func writeLines(path string, n int, line func(i int) map[string]any) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for i := range n {
		if _, err := w.Write(append(jsondoc.Encode(line(i)), '\n')); err != nil {
			f.Close()
			return err
		}
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

const (
	partnerCount = 50
	placeCount   = 4000
)

// generator makes entries up, the same at every run.
type generator struct {
	r      *rand.Rand
	places []place
	slugs  map[string]int
}

// place is an invented commune.
type place struct {
	name, code, departement, region string
	population                      int
	lat, lon                        float64
}

func newGenerator() *generator {
	g := &generator{r: rand.New(rand.NewPCG(seed, seed)), slugs: map[string]int{}}
	for i := range placeCount {
		g.places = append(g.places, g.place(i))
	}
	return g
}

func (g *generator) pick(list []string) string { return list[g.r.IntN(len(list))] }

func (g *generator) place(i int) place {
	departement, region, _ := strings.Cut(departements[i%len(departements)], " ")
	big := g.r.Float64()
	return place{
		name: g.pick(placeStart) + g.pick(placeEnd) + g.pick(placeTail), departement: departement, region: region,
		code:       fmt.Sprintf("%s%03d", departement, 1+i/len(departements)),
		population: 120 + int(250_000*big*big*big*big*big),
		lat:        round(42.5 + 8*g.r.Float64()), lon: round(-4 + 11.5*g.r.Float64()),
	}
}

func round(x float64) float64 { return float64(int(x*1e5)) / 1e5 }

func (g *generator) partner(i int) map[string]any {
	name := partnerStart[i%len(partnerStart)] + " " + partnerTheme[i/len(partnerStart)%len(partnerTheme)]
	return map[string]any{"_type": "benchPartner", "_status": "published", "name": name, "slug": slug(name), "kind": g.pick(partnerKinds),
		"city": g.places[g.r.IntN(placeCount)].name, "url": fmt.Sprintf("https://partenaire-%d.example/", i+1), "description": g.prose(200)}
}

// fiche makes one up: 85 of 100 are published.
func (g *generator) fiche(i int) map[string]any {
	p, kind, year := g.places[g.r.IntN(placeCount)], g.r.IntN(len(practices)), 2010+g.r.IntN(17)
	title := practiceTitles[kind] + " de " + p.name
	status := "published"
	if g.r.IntN(100) >= 85 {
		status = "draft"
	}
	day := time.Date(year, time.Month(1+g.r.IntN(12)), 1+g.r.IntN(28), g.r.IntN(24), g.r.IntN(60), g.r.IntN(60), 0, time.UTC)
	partner := g.r.IntN(partnerCount)
	return map[string]any{"_type": "benchFiche", "_status": status, "title": title, "slug": g.slug(slug(fmt.Sprint(practices[kind], " ", p.name, " ", p.code, " ", year))),
		"commune": map[string]any{"code": p.code, "nom": p.name}, "departement": p.departement, "region": p.region, "population": p.population,
		"location": map[string]any{"type": "Point", "coordinates": []any{p.lon, p.lat}}, "practice": practices[kind], "tool": g.pick(tools), "year": year,
		"publishedOn": day.Format(time.RFC3339), "tags": g.tags(), "summary": title + " : " + g.prose(220), "body": g.article(1900), "score": g.r.IntN(101),
		"note":    fmt.Sprintf("canary-%d", i+1),
		"partner": map[string]any{"_slug": slug(partnerStart[partner%10] + " " + partnerTheme[partner/10]), "_type": "benchPartner"}}
}

// slug makes one that no other entry has.
func (g *generator) slug(base string) string {
	g.slugs[base]++
	if n := g.slugs[base]; n > 1 {
		return fmt.Sprintf("%s-%d", base, n)
	}
	return base
}

func (g *generator) tags() []any {
	var list []any
	have := map[string]bool{}
	for range 1 + g.r.IntN(4) {
		if tag := g.pick(tags); !have[tag] {
			have[tag] = true
			list = append(list, tag)
		}
	}
	return list
}

func (g *generator) sentence() string {
	s := g.pick(subjects) + " " + g.pick(verbs) + " " + g.pick(things) + " " + g.pick(ends)
	if g.r.IntN(3) == 0 {
		s += ", puis " + g.pick(verbs) + " " + g.pick(things)
	}
	return s + "."
}

func (g *generator) prose(least int) string {
	s := g.sentence()
	for len(s) < least {
		s += " " + g.sentence()
	}
	return s
}

// article is paragraphs of three to five sentences.
func (g *generator) article(least int) string {
	var b strings.Builder
	for b.Len() < least {
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		for i := range 3 + g.r.IntN(3) {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(g.sentence())
		}
	}
	return b.String()
}

func slug(text string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(text)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
