// Package gazetteer knows the territories of France: the communes, the intermunicipal bodies (EPCI), the départements and
// the régions of 1 January 2026, with their names, codes, populations, centres, postal codes, and how they lie in each
// other; and the outlines of the départements and régions of metropolitan France. It is what forms pick a territory from,
// what codes are checked against, what maps are coloured by, and what tells that a point lies far from where it should.
//
//	g, err := gazetteer.Load()
//	g.Search("st-denis", gazetteer.SearchOptions{Levels: []gazetteer.Level{gazetteer.Commune}})
//	g.Lookup(gazetteer.Departement, "44")                  // Loire-Atlantique
//	g.Lookup(gazetteer.Region, "44")                       // Grand Est
//	g.Suggest(gazetteer.Commune, "1004")                   // a lost zero: 01004, Ambérieu-en-Bugey
//	g.Distance(gazetteer.Commune, "68224", 7.3389, 48.08)  // how far a point lies from Mulhouse
//
// # Levels and codes
//
// A territory is addressed by its Level and its code together, a Ref: 44, 53, 75, 76 and others are the codes of a
// département and of a région that have nothing to do with each other. Codes are texts, with letters (2A004) and leading
// zeros (01004). A commune, département or région has its INSEE code, an EPCI its SIREN. A postal code is no code of a
// commune: it may be shared, and a commune may have several.
//
// A commune lies in one département, one région and, but for four islands and the overseas collectivities, one EPCI. An
// EPCI may cross the borders of départements and régions. Overseas collectivities stand at both upper levels with one
// code, as in INSEE's lists.
//
// # What is not here
//
// Municipal arrondissements (Paris, Lyon, Marseille), communes that are part of a merged one (déléguées, associées) or
// were before, and the établissements publics territoriaux of Greater Paris: the source leaves them out. The postal codes
// of the arrondissements are those of their commune, and Suggest knows their INSEE codes. Communes, EPCI and overseas
// territories have no outline; a hundred communes, nearly all of them overseas, have no centre.
//
// # Files
//
// data holds two packed files (package packed tells their format), 700 KB in all, which the program embeds, and
// LICENCES.md, which says where they come from. They are made anew, say for another year, by
//
//	GAZETTEER_SOURCE=<folder of the published files> go generate ./plugins/geo/internal/gazetteer
//
// The first Load unpacks them, in some 30 ms; with what the first search and the first question about places prepare (10 and
// 15 ms), they take 7 MB of memory.
package gazetteer
