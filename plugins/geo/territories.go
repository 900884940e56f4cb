package geo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
)

func (g *geo) registerTerritories(r *plugin.Registry) error {
	return errors.Join(
		plugin.Get(r, "/geo/territories", "searchTerritories", "Territories of France by name, code or postal code: ?q=mulh&level=commune", g.searchTerritories, plugin.Public()),
		plugin.Get(r, "/geo/territories/{code}", "readTerritory", "A territory by its code, with what it lies in; ?level= where a code is of several", g.readTerritory, plugin.Public()),
		plugin.Get(r, "/geo/outlines/{level}", "readOutlines", "The outlines of a level of territories, departement or region, as GeoJSON", g.outlines, plugin.Public()),
	)
}

// territory is one as the API shows it.
type territory struct {
	gazetteer.Territory
	PopulationClass string    `json:"populationClass,omitempty"`
	Parents         []lyingIn `json:"parents,omitempty"`
	Outline         *bool     `json:"outline,omitempty"` // whether there is one
}

type lyingIn struct {
	gazetteer.Ref
	Name string `json:"name"`
}

func (g *geo) described(all *gazetteer.Gazetteer, t gazetteer.Territory) territory {
	out := territory{Territory: t}
	if t.Level == gazetteer.Commune {
		out.PopulationClass = gazetteer.PopulationClass(t.Population)
	}
	for _, parent := range all.Parents(t) {
		out.Parents = append(out.Parents, lyingIn{parent.Ref(), parent.Name})
	}
	return out
}

func (g *geo) searchTerritories(_ context.Context, q *core.RouteRequest) (*core.Pending, error) {
	if err := noParams(q.Query, "q", "level", "within", "limit"); err != nil {
		return nil, err
	}
	o, err := searchOptions(q)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(q.Query.Get("q")) == "" {
		return nil, core.Refuse(core.CodeBadRequest, "missing_parameter", "Say what to look for: ?q=mulh, ?q=68200.", "Indiquez ce qu’il faut chercher : ?q=mulh, ?q=68200.")
	}
	all, err := g.gazetteer()
	if err != nil {
		return nil, err
	}
	data := []territory{}
	for _, t := range all.Search(q.Query.Get("q"), o) {
		data = append(data, g.described(all, t))
	}
	return g.settled(map[string]any{"data": data})
}

func searchOptions(q *core.RouteRequest) (o gazetteer.SearchOptions, err error) {
	for name := range strings.SplitSeq(q.Query.Get("level"), ",") {
		if name == "" {
			continue
		}
		level, err := levelNamed(name)
		if err != nil {
			return o, err
		}
		o.Levels = append(o.Levels, level)
	}
	if text := q.Query.Get("limit"); text != "" {
		if o.Limit = number(text); o.Limit < 1 || o.Limit > 200 {
			return o, core.Refuse(core.CodeBadRequest, "bad_limit", "limit must be a whole number from 1 to 200.", "limit doit être un nombre entier de 1 à 200.")
		}
	}
	if text := q.Query.Get("within"); text != "" {
		level, code, ok := strings.Cut(text, ":")
		if !ok {
			return o, core.Refuse(core.CodeBadRequest, "bad_within", "within is level:code, as departement:68.", "within s’écrit niveau:code, comme departement:68.")
		}
		o.Within.Code = code
		o.Within.Level, err = levelNamed(level)
	}
	return o, err
}

func levelNamed(name string) (gazetteer.Level, error) {
	level := gazetteer.Level(name)
	if !slices.Contains(gazetteer.Levels(), level) {
		return "", core.Refuse(core.CodeBadRequest, "bad_level", "There is no level %q. The levels are: commune, epci, departement, region.",
			"Il n’y a pas de niveau « %s ». Les niveaux sont : commune, epci, departement, region.", clipped(name))
	}
	return level, nil
}

func (g *geo) readTerritory(_ context.Context, q *core.RouteRequest) (*core.Pending, error) {
	if err := noParams(q.Query, "level"); err != nil {
		return nil, err
	}
	all, err := g.gazetteer()
	if err != nil {
		return nil, err
	}
	code := q.Value("code")
	found := all.Find(code)
	if name := q.Query.Get("level"); name != "" {
		level, err := levelNamed(name)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(t gazetteer.Territory) bool { return t.Level != level })
	}
	switch len(found) {
	case 0:
		return nil, noTerritory(all, gazetteer.Level(q.Query.Get("level")), code)
	case 1:
		return g.settled(g.described(all, found[0]))
	}
	return nil, core.Refuse(core.CodeConflict, "ambiguous", "%q is the code of %s and of %s: say which with ?level=.", "« %s » est le code de %s et de %s : précisez avec ?level=.",
		code, found[0].Name, found[1].Name)
}

// noTerritory says that a code is none, and which was probably meant.
func noTerritory(all *gazetteer.Gazetteer, level gazetteer.Level, code string) error {
	for _, s := range all.Suggest(level, code) {
		return core.Refuse(core.CodeNotFound, "", "There is no territory with the code %[1]q. Did you mean %[2]s (%[3]s)?", "Aucun territoire n’a le code « %[1]s ». Vouliez-vous dire %[2]s (%[3]s) ?",
			clipped(code), s.Territory.Code, s.Territory.Name)
	}
	return core.Refuse(core.CodeNotFound, "", "There is no territory with the code %q.", "Aucun territoire n’a le code « %s ».", clipped(code))
}

// outlines gives the shapes of a level, for choropleths and for maps without a base.
func (g *geo) outlines(_ context.Context, q *core.RouteRequest) (*core.Pending, error) {
	if err := noParams(q.Query); err != nil {
		return nil, err
	}
	level, err := levelNamed(q.Value("level"))
	if err != nil {
		return nil, err
	}
	if level != gazetteer.Departement && level != gazetteer.Region {
		return nil, core.Refuse(core.CodeNotFound, "no_outlines", "There are no outlines of the level %s, but of departement and region.", "Il n’y a pas de contours du niveau %s, mais de departement et region.", string(level))
	}
	return &core.Pending{Key: "outlines " + string(level), Answer: func(context.Context) (*core.Answer, error) {
		all, err := g.gazetteer()
		if err != nil {
			return nil, err
		}
		type properties struct {
			Code string `json:"code"`
			Name string `json:"name"`
		}
		type feature struct {
			Type       string             `json:"type"`
			ID         string             `json:"id"`
			Properties properties         `json:"properties"`
			Geometry   gazetteer.Geometry `json:"geometry"`
		}
		features := []feature{}
		for _, s := range all.Outlines(level) {
			t, _ := all.Lookup(s.Level, s.Code)
			features = append(features, feature{"Feature", s.Code, properties{s.Code, t.Name}, s.Geometry})
		}
		body, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features, "attribution": "IGN Admin Express, INSEE (Licence Ouverte 2.0)"})
		return &core.Answer{Body: body, Kind: geoJSONKind}, err
	}}, nil
}

// countLine is what a choropleth shows of one territory.
type countLine struct {
	Code  string `json:"code"`
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// countByTerritory counts a layer's entries by the territories of a level that they lie in, by the codes that they have: of a
// commune, also of what it is part of. Each entry counts once in each territory. unplaced is how many have none of the level.
func (g *geo) countByTerritory(ctx context.Context, q *core.RouteRequest) (*core.Pending, error) {
	l, err := g.layer(ctx, q.Who, q.Value("layer"))
	if err != nil {
		return nil, err
	}
	level, err := levelNamed(cmp.Or(q.Query.Get("level"), string(gazetteer.Departement)))
	if err != nil {
		return nil, err
	}
	params := cloned(q.Query)
	params.Del("level")
	p, err := g.places(ctx, q.Who, l, params)
	if err != nil {
		return nil, err
	}
	field, own, err := l.territoryField(p, level)
	if err != nil {
		return nil, err
	}
	return &core.Pending{Key: keyed(p.Key, "territories "+string(level)), Types: p.Types, Answer: func(ctx context.Context) (*core.Answer, error) {
		return g.countAnswer(ctx, p, field, own, level)
	}}, nil
}

func (g *geo) countAnswer(ctx context.Context, p *core.Placed, field string, own, level gazetteer.Level) (*core.Answer, error) {
	all, err := g.gazetteer()
	if err != nil {
		return nil, err
	}
	values, err := p.Tally(ctx, field)
	if err != nil {
		return nil, err
	}
	counts, placed := map[string]int{}, 0
	for _, v := range values {
		code, _ := v.Value.(string)
		if t, ok := territoryAt(all, own, level, code); ok {
			counts[t.Code] += v.Count
			placed += v.Count
		}
	}
	found, err := p.Find(ctx, nil)
	if err != nil {
		return nil, err
	}
	lines := []countLine{}
	for code, n := range counts {
		t, _ := all.Lookup(level, code)
		lines = append(lines, countLine{code, t.Name, n})
	}
	slices.SortFunc(lines, func(a, b countLine) int { return strings.Compare(a.Code, b.Code) })
	body, err := json.Marshal(map[string]any{"level": level, "data": lines, "total": found.Total, "unplaced": found.Total - placed})
	return &core.Answer{Body: body, Until: found.Until, Position: found.Position, Tags: tagsOf(p)}, err
}

// territoryAt is the territory of a level that a code stands for: itself, or what it lies in.
func territoryAt(all *gazetteer.Gazetteer, own, level gazetteer.Level, code string) (gazetteer.Territory, bool) {
	var t gazetteer.Territory
	ok := false
	if own != "" {
		t, ok = all.Lookup(own, code)
	} else if found := all.Find(code); len(found) == 1 {
		t, ok = found[0], true
	}
	if !ok || t.Level == level {
		return t, ok
	}
	for _, parent := range all.Parents(t) {
		if parent.Level == level {
			return parent, true
		}
	}
	return t, false
}

// territoryField is the field of a layer's type whose codes are counted for a level: one of that level, else the one of the
// smallest territories, which lie in the wanted ones, else one of any level. It is among those that the caller may ask about.
func (l *layer) territoryField(p *core.Placed, wanted gazetteer.Level) (path string, own gazetteer.Level, err error) {
	const any = "any"
	order := append([]string{string(wanted)}, levelNames()...)
	order = append(order, any)
	best := len(order)
	scope := p.Asked.Scope.In(p.Asked.State)
	for i := range l.typ.Fields {
		f := &l.typ.Fields[i]
		if f.Territory == "" || f.Multi || !f.Indexed || !scope.Readable(l.typ, f.Path) {
			continue
		}
		if at := slices.Index(order, f.Territory); at >= 0 && at < best {
			best, path, own = at, f.Path, gazetteer.Level(f.Territory)
		}
	}
	if path == "" {
		return "", "", core.Refuse(core.CodeBadRequest, "no_territory", "The entries of this layer have no territory to be counted by.", "Les contenus de cette couche n’ont pas de territoire par lequel les compter.")
	}
	if own == any {
		own = ""
	}
	return path, own, nil
}

func levelNames() []string {
	var names []string
	for _, level := range gazetteer.Levels() {
		names = append(names, string(level))
	}
	return names
}

func cloned(params map[string][]string) (out url.Values) {
	out = url.Values{}
	for name, values := range params {
		out[name] = values
	}
	return out
}
