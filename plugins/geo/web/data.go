package web

import (
	"html/template"
	"net/url"
)

// PageSize is how many entries a page of the list has.
const PageSize = 20

// PageData is what a page is made of. All texts but Attribution are plain: Page escapes them.
type PageData struct {
	Title    string // of the map
	Lead     string // a sentence about it; may be empty
	Site     string // whose it is
	Lang     string // "fr" or "en"
	Explicit bool   // the address says the language: links keep it
	Embed    bool   // for an iframe: no header

	State    State     // what the address asks for
	Unknown  []string  // what it asked for besides, and this map does not have: "layer=…", "filter[…]"
	Layers   []Layer   // the layers to choose from; State.Layer names the one that is shown, the first when it names none
	Overlays []Overlay // layers that can be drawn beside it

	Entries []Entry // the page of the list that State asks for, in its order
	Total   int64   // how many there are on all pages; negative when not counted
	Next    string  // the cursor of the next page; empty on the last

	WithinLabel string  // the name of the territory in State.Within
	Counts      []Count // entries by territory, where State.View asks for them

	Picture *Picture // what the map shows at first; nil where it is not the whole country

	Style string     // the address of the MapLibre style of the base map, which takes theme=light and dark; empty when there is no base map
	Start Position   // what the map shows at first; without it, Metropole
	Jumps []Position // places to go to with one click

	// Attribution is HTML from the configuration, and trusted: what the base map, the outlines and the content are owed
	// to, and their licences, with links.
	Attribution template.HTML
}

// Layer is a layer whose entries are listed and drawn. Fields are dotted paths into entries, and only those that the caller
// may read; an empty one is not asked for.
type Layer struct {
	Name  string // as in /geo/layers/{name}
	Label string
	Count int64 // how many entries it has without filters; negative when unknown

	List   string     // the address of its entries as JSON: /api/v1/content/fiche
	Entry  string     // the address of an entry for people, with {slug} or {id} in it: /browse/fiche/{slug}
	Params url.Values // what each request for it must say besides State: the locale

	TitleField string
	PlaceField string // what to show of where it is: territory.name
	SlugField  string
	GeoField   string

	Territories bool // its entries can be counted by territory

	Facets []Facet // to filter by, with the counts under State
}

// Overlay is a layer that is drawn and not listed.
type Overlay struct{ Name, Label string }

// Facet is a field to filter by.
type Facet struct {
	Field  string
	Label  string
	Values []FacetValue
}

// FacetValue is a value of a field, with how many entries have it under all filters but those of the field itself: so many
// more would be found if it were chosen too.
type FacetValue struct {
	Value string
	Label string
	Count int64
}

// Entry is a line of the list.
type Entry struct {
	ID    string
	Title string
	Place string
	URL   string
	At    *[2]float64 // longitude and latitude; nil when it has no point
}

// Count is how many entries a territory has.
type Count struct {
	Code  string `json:"code"`
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Position is something that the map can show.
type Position struct {
	Label string  `json:"label,omitempty"`
	Lon   float64 `json:"lon"`
	Lat   float64 `json:"lat"`
	Zoom  float64 `json:"zoom"`
}

// Metropole shows metropolitan France.
var Metropole = Position{Label: "France métropolitaine", Lon: 2.45, Lat: 46.6, Zoom: 5}

// FrenchJumps are metropolitan France and the départements and régions overseas.
var FrenchJumps = []Position{
	Metropole,
	{"Guadeloupe", -61.45, 16.2, 8.5},
	{"Guyane", -53.1, 3.95, 6},
	{"La Réunion", 55.53, -21.13, 8.8},
	{"Martinique", -61.02, 14.65, 9},
	{"Mayotte", 45.15, -12.83, 9.5},
}
