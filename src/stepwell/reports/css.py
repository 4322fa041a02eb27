"""The one style sheet: calm, light and dark, good on a phone and on paper. Figures take their colours from it."""

LIGHT = """
  --paper: #fdfdfc; --panel: #f4f4f1; --ink: #1f2328; --soft: #5d636b; --line: #dddfe2;
  --blue: #0068a8; --vermillion: #b84a00; --green: #00795b; --purple: #a2467d; --amber: #8f6200;
"""
DARK = """
  --paper: #15171a; --panel: #1e2125; --ink: #e4e6e9; --soft: #a0a7b0; --line: #353a41;
  --blue: #5cb2ec; --vermillion: #ff9257; --green: #43cda3; --purple: #e39ac6; --amber: #e2b659;
"""

CSS = (
    ":root { color-scheme: light dark;"
    + LIGHT
    + "}\n@media screen and (prefers-color-scheme: dark) { :root {"
    + DARK
    + "} }"
    + """
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  overflow-wrap: break-word; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1, h2, h3, p, figure, dl, dd, ul, pre { margin: 0; }
h1 { font-size: 2.1rem; line-height: 1.15; font-weight: 650; letter-spacing: -.02em; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; line-height: 1.3; font-weight: 650; letter-spacing: -.01em; }
h3 { font-size: 1rem; font-weight: 650; }
* + h3, div + div > h3:first-child { margin-top: 1.25rem; }
.row > div > h3:first-child { margin-top: 0; }
a { color: var(--blue); text-underline-offset: .2em; text-decoration-thickness: 1px; }
.lead { font-size: 1.125rem; line-height: 1.5; max-width: 42rem; }
.note, .sub, figcaption { color: var(--soft); font-size: .9rem; line-height: 1.45; }
.note { max-width: 42rem; }
.sub { margin-top: .5rem; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin-top: 1rem; font-size: .9rem; }
nav a { color: var(--soft); text-decoration: none; padding: .2rem 0; }
nav a:hover { color: var(--ink); text-decoration: underline; }
section { margin-top: 2.75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); display: grid; gap: 1rem; }
section.first { margin-top: 1.25rem; padding-top: 0; border: 0; }
section > *, .row > *, .cards > *, .steps > *, .small > *, #movable > * { min-width: 0; }
.status { display: inline-block; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .6rem;
  font-size: .8rem; line-height: 1.4rem; margin-right: .5rem; }
.done { color: var(--green); } .running { color: var(--blue); } .stopped { color: var(--amber); }
.failed { color: var(--vermillion); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; }
.tile { background: var(--panel); border-radius: .5rem; padding: .8rem 1rem .85rem; }
.tile dt { color: var(--soft); font-size: .8rem; line-height: 1.35; }
.tile dd { font-size: 1.5rem; line-height: 1.3; font-weight: 620; font-variant-numeric: tabular-nums;
  letter-spacing: -.015em; overflow-wrap: anywhere; }
.tile small { display: block; color: var(--soft); font-size: .8rem; font-weight: 400; letter-spacing: 0; }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.5rem 2rem;
  align-items: start; }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: 1.25rem 1.5rem; }
.small svg.plot { min-width: 0 !important; }
.scroll { overflow-x: auto; }
figure > .scroll { overflow-y: hidden; }
.wide { scrollbar-width: thin; background-attachment: local, local, scroll, scroll; background-repeat: no-repeat;
  background-position: 0 0, 100% 0, 0 0, 100% 0; background-size: 2.5rem 100%, 2.5rem 100%, .8rem 100%, .8rem 100%;
  background-image: linear-gradient(to right, var(--paper) 40%, transparent),
    linear-gradient(to left, var(--paper) 40%, transparent), linear-gradient(to right, rgb(128 128 128 / .4), transparent),
    linear-gradient(to left, rgb(128 128 128 / .4), transparent); }
svg.plot { display: block; width: 100%; height: auto; stroke-linejoin: round; font-family: inherit; }
img.plot { display: block; max-width: 100%; height: auto; background: #fff; border-radius: .4rem; }
figcaption { margin-top: .4rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: .925rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .35rem 1.5rem .35rem 0; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-weight: 500; font-size: .85rem; white-space: nowrap; vertical-align: bottom; }
tbody th { font-weight: 500; }
tbody tr:last-child > * { border-bottom: 0; }
th small { display: block; color: var(--soft); font-weight: 400; font-size: .8rem; line-height: 1.35; }
.num { text-align: right; white-space: nowrap; }
.name { max-width: 34rem; overflow-wrap: break-word; }
td.name { min-width: 5rem; }
.values { min-width: min(20rem, 70vw); font-size: .85rem; color: var(--soft); }
.bar { display: inline-block; vertical-align: middle; height: .6rem; border-radius: .15rem; background: var(--blue);
  min-width: 2px; }
.share { white-space: nowrap; }
.bars { width: 40%; min-width: 6rem; }
pre { background: var(--panel); border-radius: .5rem; padding: .75rem 1rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
code, pre { font: .875rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.warning { border-left: 3px solid var(--amber); background: var(--panel); border-radius: 0 .5rem .5rem 0;
  padding: .7rem 1rem; overflow-wrap: anywhere; white-space: pre-line; }
div.warning { white-space: normal; }
.notes { padding-left: 1.2rem; display: grid; gap: .35rem; max-width: 44rem; }
.warning .notes { margin-top: .4rem; }
.option { white-space: nowrap; }
.warning b { color: var(--amber); font-weight: 650; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 1.25rem 1rem; }
.cards img { display: block; width: 100%; height: auto; max-height: 15rem; object-fit: contain; border-radius: .3rem;
  background: var(--panel); }
.cards img.pixels { image-rendering: pixelated; }
.cards b { color: var(--ink); font-weight: 620; }
.cards figcaption { font-size: .85rem; }
.steps { display: grid; gap: 1rem; padding: 0; list-style: none; }
.steps p { margin-bottom: .35rem; }
.control { display: grid; gap: .35rem; max-width: 34rem; }
.control label { font-weight: 620; }
.control output { font-variant-numeric: tabular-nums; margin-left: .35rem; }
.control input { width: 100%; height: 1.75rem; margin: 0; accent-color: var(--blue); cursor: pointer; }
#movable { display: grid; gap: 1rem; }
.mark { fill: var(--paper); stroke: var(--ink); stroke-width: 1.6; }
footer { margin-top: 3rem; }
@media (max-width: 32rem) {
  main { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.7rem; }
  .lead { font-size: 1.05rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .cards { grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); }
  section { margin-top: 2.25rem; }
  th, td { padding-right: 1rem; }
}
@media print {
  @page { margin: 16mm; }
  body { font-size: 10.5pt; background: #fff; }
  main { max-width: none; padding: 0; }
  nav, .control input { display: none; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  figure, .tile, .warning, tr, pre { break-inside: avoid; }
  h2, h3, thead, .note, .control { break-after: avoid; }
  .tile { padding: .5rem .6rem; }
  .tile dd { font-size: 1.15rem; }
  .scroll, figure > .scroll { overflow: visible; background: none; }
  svg.plot { min-width: 0 !important; }
  .row { grid-template-columns: 1fr 1fr; }
  .row > *, .steps > li { break-inside: avoid; }
  .tiles { grid-template-columns: repeat(auto-fit, minmax(6rem, 1fr)); }
  section { margin-top: 1.5rem; }
}
"""
)
