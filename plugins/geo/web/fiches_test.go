package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
	"github.com/palabre-cms/palabre/plugins/geo/web"
)

// fiche is an entry of the site.
type fiche struct {
	id, title, slug string
	where           gazetteer.Territory
	fields          map[string]string
}

var facetLabels = map[bool]map[string]string{
	false: {"approaches": "Type de démarche", "themes": "Thématique", "schemeStatus": "État du dispositif"},
	true:  {"approaches": "Kind of practice", "themes": "Theme", "schemeStatus": "State of the scheme"},
}

var valueLabels = map[bool]map[string]string{
	false: {"BP": "Budget et financement participatif", "PN": "Participation en ligne", "DC": "Dispositif de consultation", "IP": "Instance de participation",
		"URB": "Urbanisme et aménagement", "ENV": "Environnement", "JEU": "Jeunesse, éducation et culture", "actif": "Actif", "termine": "Terminé", "en_projet": "En projet"},
	true: {"BP": "Participatory budget or funding", "PN": "Online participation", "DC": "Consultation", "IP": "Standing body",
		"URB": "Planning and development", "ENV": "Environment", "JEU": "Youth, education and culture", "actif": "Active", "termine": "Finished", "en_projet": "Planned"},
}

var titles = map[string]string{"BP": "Budget participatif", "PN": "Plateforme de participation", "DC": "Consultation sur la mobilité", "IP": "Conseil citoyen tiré au sort"}

// hostile is what an entry may be called by someone who means harm.
const hostile = `</script><script>alert("é & <b>")</script>`

// fiches puts one or two into every commune of more than 10,000 people, and some into the same place.
func fiches(places *gazetteer.Gazetteer) []fiche {
	approaches, themes, states := []string{"BP", "PN", "DC", "IP"}, []string{"URB", "ENV", "JEU"}, []string{"actif", "actif", "termine", "en_projet"}
	var all []fiche
	for _, c := range places.All(gazetteer.Commune) {
		for range times(c) {
			n := len(all)
			fields := map[string]string{"approaches": approaches[n*7%4], "themes": themes[n*5%3], "schemeStatus": states[n*3%4]}
			f := fiche{id: fmt.Sprintf("01jd%04d", n), title: titles[fields["approaches"]] + " de " + c.Name, where: c, fields: fields}
			f.slug = "fiche-" + strconv.Itoa(n)
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b fiche) int { return b.where.Population - a.where.Population })
	all[2].title = hostile
	return all
}

func times(c gazetteer.Territory) int {
	switch {
	case c.Center == nil || c.Population < 10_000:
		return 0
	case c.Population > 400_000:
		return 7
	case c.Population > 100_000:
		return 2
	}
	return 1
}

func (f fiche) view() map[string]any {
	return map[string]any{"_id": f.id, "_type": "fiche", "title": f.title, "slug": f.slug, "territory": map[string]any{"name": f.where.Name},
		"location": map[string]any{"type": "Point", "coordinates": f.where.Center}}
}

func views(all []fiche) []any {
	out := []any{}
	for _, f := range all {
		out = append(out, f.view())
	}
	return out
}

// matching are the entries that a list would show.
func (s *site) matching(params url.Values) []fiche {
	var found []fiche
	for _, f := range s.all {
		if s.matches(f, params) {
			found = append(found, f)
		}
	}
	return found
}

func (s *site) matches(f fiche, params url.Values) bool {
	if q := params.Get("q"); q != "" && !strings.Contains(strings.ToLower(f.title), strings.ToLower(q)) {
		return false
	}
	if level, code, ok := strings.Cut(params.Get("within"), ":"); ok && codeAt(f.where, gazetteer.Level(level)) != code {
		return false
	}
	for field, v := range f.fields {
		if want := params.Get("filter[" + field + "]"); want != "" && want != v {
			return false
		}
		if want := params.Get("filter[" + field + "][in]"); want != "" && !slices.Contains(strings.Split(want, ","), v) {
			return false
		}
	}
	box := params.Get("bbox")
	return box == "" || inBox(box, f.where.Center)
}

func inBox(box string, at *[2]float64) bool {
	var b [4]float64
	if err := json.Unmarshal([]byte("["+box+"]"), &b); err != nil {
		return false
	}
	return at[0] >= b[0] && at[1] >= b[1] && at[0] <= b[2] && at[1] <= b[3]
}

func codeAt(c gazetteer.Territory, level gazetteer.Level) string {
	return map[gazetteer.Level]string{gazetteer.Commune: c.Code, gazetteer.EPCI: c.EPCI, gazetteer.Departement: c.Departement, gazetteer.Region: c.Region}[level]
}

type tallied struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

func tally(all []fiche, field string) []tallied {
	var out []tallied
	for _, f := range all {
		at := slices.IndexFunc(out, func(t tallied) bool { return t.Value == f.fields[field] })
		if at < 0 {
			at, out = len(out), append(out, tallied{Value: f.fields[field]})
		}
		out[at].Count++
	}
	slices.SortFunc(out, func(a, b tallied) int { return int(b.Count - a.Count) })
	return out
}

func (s *site) counted(found []fiche, level gazetteer.Level) []web.Count {
	byCode := map[string]int64{}
	for _, f := range found {
		byCode[codeAt(f.where, level)]++
	}
	counts := []web.Count{}
	for code, n := range byCode {
		t, _ := s.places.Lookup(level, code)
		counts = append(counts, web.Count{Code: code, Name: t.Name, Count: n})
	}
	slices.SortFunc(counts, func(a, b web.Count) int { return int(b.Count-a.Count)*100 + strings.Compare(a.Code, b.Code) })
	return counts
}

// tile is a vector tile with clusters below zoom 11, and above of what lies in one place, as the plugin makes them.
func (s *site) tile(w http.ResponseWriter, r *http.Request) {
	z, _ := strconv.Atoi(r.PathValue("z"))
	x, _ := strconv.Atoi(r.PathValue("x"))
	y, _ := strconv.Atoi(strings.TrimSuffix(r.PathValue("y"), ".mvt"))
	tile := maptile.New(uint32(x), uint32(y), maptile.Zoom(z))
	features := geojson.NewFeatureCollection()
	if r.PathValue("layer") == "fiche" {
		features.Features = clustered(s.matching(r.URL.Query()), tile)
	}
	layer := mvt.NewLayer(r.PathValue("layer"), features)
	layer.Version = 2
	layer.ProjectToTile(tile)
	body, err := mvt.Marshal(mvt.Layers{layer})
	if err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/vnd.mapbox-vector-tile")
	_, _ = w.Write(body)
}

func clustered(all []fiche, tile maptile.Tile) []*geojson.Feature {
	groups, order := map[[2]int][]fiche{}, [][2]int{}
	for _, f := range all {
		if at := (orb.Point)(*f.where.Center); tile.Bound().Contains(at) {
			cell := cellOf(at, tile)
			if groups[cell] == nil {
				order = append(order, cell)
			}
			groups[cell] = append(groups[cell], f)
		}
	}
	var features []*geojson.Feature
	for _, cell := range order {
		features = append(features, grouped(groups[cell]))
	}
	return features
}

func cellOf(at orb.Point, tile maptile.Tile) [2]int {
	b := tile.Bound()
	cells := 5.0
	if tile.Z >= 11 {
		cells = 512
	}
	across := func(v, from, to float64) int { return int(math.Floor((v - from) / (to - from) * cells)) }
	return [2]int{across(at[0], b.Left(), b.Right()), across(at[1], b.Bottom(), b.Top())}
}

func grouped(group []fiche) *geojson.Feature {
	at := orb.Point{}
	for _, f := range group {
		at[0] += f.where.Center[0] / float64(len(group))
		at[1] += f.where.Center[1] / float64(len(group))
	}
	f, first := geojson.NewFeature(at), group[0]
	if len(group) == 1 {
		f.Properties = geojson.Properties{"_id": first.id, "title": first.title, "slug": first.slug, "territory.name": first.where.Name}
		return f
	}
	f.Properties = geojson.Properties{"point_count": len(group)}
	if slices.ContainsFunc(group, func(f fiche) bool { return *f.where.Center != *first.where.Center }) {
		f.Properties["expansion"] = 2
	} else {
		f.Properties["stacked"] = true
	}
	return f
}

// baseTile is a picture with a border, so that one sees whether tiles are drawn where they belong.
func (s *site) baseTile(w http.ResponseWriter, _ *http.Request) {
	picture := image.NewRGBA(image.Rect(0, 0, 256, 256))
	for i := range 256 * 256 {
		c := color.RGBA{242, 239, 233, 255}
		if i%256 == 0 || i < 256 {
			c = color.RGBA{170, 211, 223, 255}
		}
		picture.Set(i%256, i/256, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(b.Bytes())
}
