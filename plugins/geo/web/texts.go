package web

// texts are the words of the page in French and English. Those that the scripts say begin with "js".
var texts = map[string][2]string{
	"apply":        {"Appliquer", "Apply"},
	"clear":        {"Tout effacer", "Clear all"},
	"colour":       {"Afficher", "Show"},
	"count":        {"Nombre", "Count"},
	"departement":  {"Départements", "Départements"},
	"departements": {"Par département", "By département"},
	"facets":       {"Filtres", "Filters"},
	"firstPage":    {"Première page", "First page"},
	"goTo":         {"Aller à…", "Go to…"},
	"inArea":       {"Limiter à la zone affichée", "Only what the map shows"},
	"language":     {"Langue", "Language"},
	"large":        {"Ouvrir la carte en grand", "Open the full map"},
	"layer":        {"Couche", "Layer"},
	"legend":       {"Légende", "Legend"},
	"list":         {"Liste", "List"},
	"locate":       {"Voir sur la carte", "Show on the map"},
	"map":          {"Carte", "Map"},
	"nextPage":     {"Page suivante", "Next page"},
	"nobody":       {"Aucun contenu ne correspond.", "Nothing matches."},
	"noScript":     {"La carte demande JavaScript. La liste contient les mêmes contenus.", "The map needs JavaScript. The list has the same entries."},
	"one":          {"1 résultat", "1 result"},
	"overlays":     {"Repères", "Landmarks"},
	"pages":        {"Pages", "Pages"},
	"quoted":       {"« %q »", "“%q”"},
	"points":       {"Points", "Points"},
	"region":       {"Régions", "Regions"},
	"regions":      {"Par région", "By region"},
	"remove":       {"Retirer le filtre", "Remove the filter"},
	"search":       {"Rechercher", "Search"},
	"searchIn":     {"Un mot, une commune, un département…", "A word, a town, a département…"},
	"selected":     {"Filtres choisis", "Chosen filters"},
	"skip":         {"Aller à la liste", "Skip to the list"},
	"some":         {"résultats", "results"},
	"territory":    {"Territoire", "Territory"},
	"unknown":      {"Absent de cette carte, et ignoré :", "Not on this map, and left out:"},
	"untitled":     {"Sans titre", "Untitled"},

	"jsArea":           {"dans la zone affichée", "within the map’s area"},
	"jsClose":          {"Fermer", "Close"},
	"jsCommune":        {"commune", "town"},
	"jsDepartement":    {"département", "département"},
	"jsEpci":           {"intercommunalité", "intermunicipal body"},
	"jsFailed":         {"Le serveur ne répond pas. Réessayez dans un instant.", "The server does not answer. Try again in a moment."},
	"jsFind":           {"Chercher dans les contenus :", "Search the entries for:"},
	"jsFullscreen":     {"Plein écran", "Full screen"},
	"jsFullscreenExit": {"Quitter le plein écran", "Leave full screen"},
	"jsGestureCommand": {"⌘ + défilement pour changer l’échelle", "⌘ + scroll to zoom the map"},
	"jsGestureCtrl":    {"Ctrl + défilement pour changer l’échelle", "Ctrl + scroll to zoom the map"},
	"jsGestureTouch":   {"Deux doigts pour déplacer la carte", "Use two fingers to move the map"},
	"jsHere":           {"contenus à cet endroit", "entries in this place"},
	"jsMap":            {"Carte. Les flèches la déplacent, + et − changent l’échelle. La liste contient les mêmes contenus.", "Map. The arrow keys move it, + and − change the scale. The list has the same entries."},
	"jsMore":           {"et %n autres : agrandissez la carte ou filtrez", "and %n more: zoom in or filter"},
	"jsNoMap":          {"Ce navigateur ne peut pas afficher la carte (WebGL). La liste contient les mêmes contenus.", "This browser cannot draw the map (WebGL). The list has the same entries."},
	"jsNone":           {"aucun", "none"},
	"jsRegion":         {"région", "region"},
	"jsShowThese":      {"Voir ces contenus", "Show these entries"},
	"jsZoomIn":         {"Agrandir", "Zoom in"},
	"jsZoomOut":        {"Réduire", "Zoom out"},
}

// say gives a text of the page in a language: English when it is asked for, French otherwise.
func say(lang, name string) string {
	if lang == "en" {
		return texts[name][1]
	}
	return texts[name][0]
}
