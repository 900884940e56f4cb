package geo

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// settingsSchema describes the settings to those who fill them in.
const settingsSchema = `{
  "type": "object", "additionalProperties": false,
  "properties": {
    "layers": {
      "type": "array", "maxItems": 100, "default": [],
      "description": "Layers beside those that every type with a place has: a selection of a type, with a name of its own.",
      "items": {
        "type": "object", "additionalProperties": false, "required": ["name", "type"],
        "properties": {
          "name": {"type": "string", "pattern": "^[a-z][a-zA-Z0-9_-]{0,63}$", "examples": ["budgets"]},
          "type": {"type": "string", "minLength": 1, "maxLength": 64},
          "field": {"type": "string", "maxLength": 300, "description": "The field of the place; without it, the type's own."},
          "filter": {"type": "object", "description": "A filter tree, as in filter={…} of a list."},
          "label": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 200}},
          "fields": {"type": "array", "maxItems": 50, "items": {"type": "string", "maxLength": 300}, "description": "What the tiles tell of each entry; without it, its title and slug."},
          "clusterBelow": {"type": "integer", "minimum": 0, "maximum": 22, "description": "The zoom from which on points stand alone; 14 without it."}
        }
      }
    },
    "rasters": {
      "type": "array", "maxItems": 10, "default": [],
      "description": "Servers of raster tiles that are asked for the base map and whose tiles are kept here. Those of openstreetmap.org ask that who runs this site can be reached: https://operations.osmfoundation.org/policies/tiles/",
      "items": {
        "type": "object", "additionalProperties": false, "required": ["name", "url", "contact"],
        "properties": {
          "name": {"type": "string", "pattern": "^[a-z][a-zA-Z0-9_-]{0,63}$", "examples": ["osm"]},
          "url": {"type": "string", "minLength": 8, "maxLength": 1000, "description": "https://tile.openstreetmap.org/{z}/{x}/{y}.png"},
          "contact": {"type": "string", "minLength": 3, "maxLength": 200, "description": "An address of mail or of a page, sent in User-Agent."},
          "attribution": {"type": "string", "maxLength": 500, "description": "HTML, of which text and links are kept; OpenStreetMap's without it."},
          "maxZoom": {"type": "integer", "minimum": 0, "maximum": 22}
        }
      }
    },
    "checks": {
      "type": "object", "additionalProperties": false, "default": {"codes": "refuse"},
      "description": "What is looked at when something is written.",
      "properties": {
        "codes": {"enum": ["refuse", "warn", "off"], "description": "What happens to a territory's code that the gazetteer does not know."},
        "farKm": {"type": "number", "minimum": 0, "maximum": 1000, "description": "From how far outside of its territory on a point is worth a warning, in kilometres; 5 without it."}
      }
    },
    "geocoder": {
      "type": "object", "additionalProperties": false, "default": {},
      "description": "A service that finds addresses; without one, the gazetteer alone answers.",
      "properties": {
        "url": {"type": "string", "maxLength": 500, "description": "https://api-adresse.data.gouv.fr (BAN), or a Nominatim server."},
        "format": {"enum": ["ban", "nominatim"]},
        "contact": {"type": "string", "maxLength": 200, "description": "An address of mail or of a page, sent in User-Agent; Nominatim asks for it."}
      }
    },
    "page": {
      "type": "object", "additionalProperties": false, "default": {},
      "description": "The public map page, /map.",
      "properties": {
        "title": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 200}},
        "lead": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 500}},
        "site": {"type": "string", "maxLength": 200, "description": "Whose map it is."},
        "embed": {
          "type": "array", "maxItems": 50, "description": "The sites that may show /map/embed in a frame; without any, this one alone. * lets every site.",
          "items": {"type": "string", "maxLength": 200, "pattern": "^([*]|https?://[A-Za-z0-9.*-]+(:[0-9]{1,5})?)$", "examples": ["https://www.example.org"]}
        },
        "pages": {
          "type": "object", "additionalProperties": {"type": "string", "maxLength": 500},
          "description": "Where people read the entries of a type, with {slug} or {id} in it: {\"fiche\": \"https://www.example.org/fiches/{slug}\"}; without it, on this server."
        }
      }
    },
    "attribution": {"type": "string", "maxLength": 500, "default": "", "description": "What the content's own layers are attributed to, as plain text."}
  }
}`

type settings struct {
	Layers      []layerSettings  `json:"layers"`
	Rasters     []rasterSettings `json:"rasters"`
	Checks      checks           `json:"checks"`
	Geocoder    geocoderSettings `json:"geocoder"`
	Page        pageSettings     `json:"page"`
	Attribution string           `json:"attribution"`
}

type layerSettings struct {
	Name         string         `json:"name"`
	Type         core.TypeName  `json:"type"`
	Field        string         `json:"field"`
	Filter       map[string]any `json:"filter"`
	Label        core.Text      `json:"label"`
	Fields       []string       `json:"fields"`
	ClusterBelow *int           `json:"clusterBelow"`
}

var layerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// checkSettings refuses layers that get in each other's way.
func checkSettings(s settings) error {
	seen := map[string]bool{}
	for _, l := range s.Layers {
		if seen[l.Name] {
			return fmt.Errorf("two layers are called %s", l.Name)
		}
		seen[l.Name] = true
	}
	return nil
}

// fits refuses layers that the site cannot show, pages of types that it does not have, and a geocoder that wants to know more.
func (g *geo) fits(ctx context.Context, c plugin.Change[settings]) error {
	n := plugin.NewNaming(c.Host.Types())
	for i, l := range c.Is.Layers {
		if slices.ContainsFunc(c.Was.Layers, func(was layerSettings) bool { return reflect.DeepEqual(was, l) }) {
			continue
		}
		at := fmt.Sprintf("/layers/%d/", i)
		if t := n.Type(at+"type", l.Type); t != nil {
			l.fits(ctx, n, at, t, c)
		}
	}
	for name := range c.Is.Page.Pages {
		if _, stood := c.Was.Page.Pages[name]; !stood {
			n.Type("/page/pages/"+string(name), name)
		}
	}
	if s := c.Is.Geocoder; s != c.Was.Geocoder && s.URL != "" && s.Format == "nominatim" && s.Contact == "" {
		n.Wrong("/geocoder/contact", core.Say("Nominatim asks that who runs this site can be reached: give an address of mail or of a page.",
			"Nominatim demande de pouvoir joindre qui gère ce site : indiquez une adresse de courriel ou de page."))
	}
	return n.Err()
}

// fits notes what of a layer cannot be shown; its filter is tried, with the eyes of the one who sets it.
func (l layerSettings) fits(ctx context.Context, n *plugin.Naming, at string, t *core.Type, c plugin.Change[settings]) {
	place, known := t.Field(cmp.Or(l.Field, t.GeoField))
	switch {
	case l.Field == "" && t.GeoField == "":
		n.Wrong(at+"type", core.Say("The type %s has no place.", "Le type %s n’a pas de lieu.", string(t.Name)))
		return
	case known && place.Kind != core.KindGeo:
		n.Wrong(at+"field", core.Say("The field %s is no place.", "Le champ %s n’est pas un lieu.", l.Field))
		return
	case !known:
		n.Field(at+"field", t, l.Field)
		return
	}
	for i, path := range l.Fields {
		n.Field(fmt.Sprintf("%sfields/%d", at, i), t, path)
	}
	params, err := configured(l, t).narrowed(url.Values{})
	if err == nil {
		_, err = c.Host.Places().Places(ctx, c.By, t.Name, params)
	}
	if e, ok := core.AsError(err); ok {
		n.Wrong(at+"filter", core.Text{"en": e.In("en"), "fr": e.In("fr")})
	}
}
