package calendar

import (
	"context"
	_ "embed"
	"fmt"
	"reflect"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

//go:embed settings.json
var settingsSchema []byte

type locale = core.Locale

// Settings are the plugin's settings.
type Settings struct {
	Types []Mapping `json:"types"`
}

// Mapping says which fields of a type tell what of its events, as dotted paths. Only Type and Start are needed.
type Mapping struct {
	Type core.TypeName `json:"type"`
	// Page is the address of an event's page on the website, with fields of the entry in braces:
	// "https://example.org/evenements/{slug}".
	Page        plugin.PageAddress `json:"page"`
	Title       string             `json:"title"` // the type's own title without it
	Start       string             `json:"start"` // a moment or a day
	End         string             `json:"end"`
	AllDay      string             `json:"allDay"` // a yes or no: only the days of start and end count
	Timezone    string             `json:"timezone"`
	Place       string             `json:"place"` // a text, or an object with name, street, postcode and city
	Point       string             `json:"point"` // a GeoJSON point
	Status      string             `json:"status"`
	Mode        string             `json:"mode"`
	Description []string           `json:"description"` // the first that has a text
	URL         string             `json:"url"`         // where there is no Page
	Categories  string             `json:"categories"`
	Former      string             `json:"formerStarts"` // the starts before the event was moved, oldest first
	Series      string             `json:"series"`       // a reference
	Sessions    Sessions           `json:"sessions"`
	Words       Words              `json:"words"`
}

// Sessions says where the parts of an event's programme are. All but List are members of one session.
type Sessions struct {
	List        string `json:"list"`
	Title       string `json:"title"`
	Start       string `json:"start"`
	End         string `json:"end"`
	Place       string `json:"place"`
	Description string `json:"description"`
}

// Words are the values of Status and Mode that have a meaning here.
type Words struct {
	Cancelled   []string `json:"cancelled"`
	Postponed   []string `json:"postponed"`
	MovedOnline []string `json:"movedOnline"`
	Tentative   []string `json:"tentative"`
	OnSite      []string `json:"onSite"`
	Online      []string `json:"online"`
	Mixed       []string `json:"mixed"`
}

// check refuses what the schema cannot say.
func check(s Settings) error {
	seen := map[core.TypeName]bool{}
	for _, m := range s.Types {
		if seen[m.Type] {
			return fmt.Errorf("the type %s is listed twice: put its fields together", m.Type)
		}
		seen[m.Type] = true
	}
	return nil
}

// fits refuses types and fields that the site does not have.
func fits(_ context.Context, c plugin.Change[Settings]) error {
	n := plugin.NewNaming(c.Host.Types())
	for i, m := range c.Is.Types {
		if slices.ContainsFunc(c.Was.Types, func(was Mapping) bool { return reflect.DeepEqual(was, m) }) {
			continue
		}
		at := fmt.Sprintf("/types/%d/", i)
		if t := n.Type(at+"type", m.Type); t != nil {
			m.fits(n, at, t)
		}
	}
	return n.Err()
}

// fits notes the fields that a type does not have.
func (m *Mapping) fits(n *plugin.Naming, at string, t *core.Type) {
	n.Page(at+"page", t, m.Page)
	for name, path := range map[string]string{"title": m.Title, "start": m.Start, "end": m.End, "allDay": m.AllDay, "timezone": m.Timezone, "place": m.Place, "point": m.Point,
		"status": m.Status, "mode": m.Mode, "url": m.URL, "categories": m.Categories, "formerStarts": m.Former, "series": m.Series} {
		n.Field(at+name, t, path)
	}
	for i, path := range m.Description {
		n.Field(fmt.Sprintf("%sdescription/%d", at, i), t, path)
	}
	if s := m.Sessions; n.Field(at+"sessions/list", t, s.List) != nil {
		for name, path := range map[string]string{"title": s.Title, "start": s.Start, "end": s.End, "place": s.Place, "description": s.Description} {
			if path != "" {
				n.Field(at+"sessions/"+name, t, s.List+"."+path)
			}
		}
	}
}

// mapping finds the fields of a type. One that is not in the settings is answered like one that does not exist.
func (c *calendar) mapping(name string) (*Mapping, *core.Type, error) {
	for _, m := range c.settings.Get().Types {
		if string(m.Type) != name {
			continue
		}
		if t, ok := c.host.Types().Type(m.Type); ok {
			return &m, t, nil
		}
	}
	return nil, nil, core.Refuse(core.CodeNotFound, "no_calendar", "There is no calendar of %q: the settings of the plugin %s name the types that have one.",
		"Il n’y a pas d’agenda de « %s » : les réglages de l’extension %s nomment les types qui en ont un.", name, ID)
}
