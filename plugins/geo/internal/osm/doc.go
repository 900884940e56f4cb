// Package osm takes from an OpenStreetMap extract (.osm.pbf) what a map layer shows: the points, lines and areas that
// carry certain tags.
//
//	filter, err := osm.ParseFilter("amenity=townhall,library", `name!="Mairie annexe"`)
//	report, err := osm.Read(ctx, file, size, osm.Options{Filter: filter}, func(f osm.Feature) error { … })
//
// # Filters
//
// A filter is a list of conditions, all of which hold. Several expressions count as one, joined by "and".
//
//	filter    = condition { " and " condition }
//	condition = key                      the key is there, whatever its value (key=* says the same)
//	          | key "=" value {"," value}   the key has one of these values
//	          | key "!=" value {"," value}  the key has none of these values, or is not there
//
// Keys and values are compared exactly, capitals and accents included. One that contains a space, a comma, "=", "!" or a
// quotation mark stands between double quotes, where \" and \\ mean " and \. At least one condition asks for a tag to be
// there: a filter of refusals alone would take in everything that has no name.
//
// # What becomes of the elements
//
// Nodes become points. Ways become lines, or areas when they are closed and their tags say so: area=yes and area=no
// decide, otherwise the keys and values listed at https://wiki.openstreetmap.org/wiki/Overpass_turbo/Polygon_Features.
// Relations of type multipolygon and boundary become areas with holes; which ring is a hole is seen from the rings
// themselves, since roles are often wrong. Outer rings run anticlockwise and holes clockwise (RFC 7946). An element
// is chosen by its own tags alone: a relation that has none besides its type, a manner given up in 2017, lends its holes to
// no way. What an extract has cut at its border, and what cannot be drawn, is left out and counted in the Report.
//
// # How a file is read
//
// A file is read in at most four steps, of which only the first reads all of it: choose (tags against the filter), the
// ways of the chosen areas, the places of the nodes in use, and the ways again to draw them. What is held in memory are
// the nodes in use, sixteen bytes each and at most Options.MaxNodes of them, and the chosen areas; features are handed
// out one by one.
//
// The blocks of a file are decoded here rather than by github.com/paulmach/osm/osmpbf, which panics in goroutines of its
// own, out of anybody's reach, on plain nodes and on wrong string numbers, and which inflates without a limit. The tests
// hold the two against each other.
package osm
