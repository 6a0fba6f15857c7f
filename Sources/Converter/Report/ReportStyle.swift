// ReportStyle: the report page's style sheet. No `<`, `>` or `&` may stand in it: in XML it is text, in HTML it is not,
// and both must read the same (a test looks). Colours are variables, once for light and once for dark; text on each
// surface has a contrast of at least 4.5 to 1.

enum ReportStyle {
    static let css = """
        :root {
          color-scheme: light dark;
          --page: #f5f6f4; --surface: #ffffff; --sunken: #eef0ed; --line: #dadfda;
          --ink: #17211c; --soft: #55625b; --accent: #0b6e62; --track: #e3e8e4;
          --good: #17713a; --good-soft: #dcf1e2; --fair: #8a5300; --fair-soft: #fbeccd; --poor: #b3261e; --poor-soft: #fbe1de;
          --heat: 11, 110, 98; --heat-wrong: 190, 60, 30;
          --dense: #2f6fb3; --point: #5b5fc7; --deep: #0f8577; --full: #8c4fb0; --join: #b06a00; --pool: #4c7f2c; --table: #b8456b; --other: #6b7772;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #101512; --surface: #181f1b; --sunken: #202924; --line: #303b35;
            --ink: #e7ede9; --soft: #a3b1a9; --accent: #5fd0bf; --track: #2b3630;
            --good: #6fd792; --good-soft: #173522; --fair: #f0bd62; --fair-soft: #3a2d12; --poor: #ff938a; --poor-soft: #431d1a;
            --heat: 95, 208, 191; --heat-wrong: 255, 130, 100;
            --dense: #6aa9ea; --point: #9a9df2; --deep: #45c3b3; --full: #c596e6; --join: #e6a648; --pool: #90c96b; --table: #ec86a9; --other: #98a59f;
          }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
        body {
          margin: 0; background: var(--page); color: var(--ink);
          font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
          overflow-wrap: anywhere;
        }
        main { max-width: 1120px; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
        h1 { font-size: 1.05rem; font-weight: 600; margin: 0; color: var(--soft); }
        h2 { font-size: 1.3rem; line-height: 1.25; margin: 0 0 .35rem; letter-spacing: -.01em; }
        h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
        p { margin: .35rem 0 .9rem; max-width: 46rem; }
        a { color: var(--accent); }
        code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .86rem; }
        .soft { color: var(--soft); }
        .small { font-size: .86rem; }
        .eyebrow { text-transform: uppercase; letter-spacing: .09em; font-size: .75rem; color: var(--soft); margin: 0 0 .2rem; }
        section { background: var(--surface); border: 1px solid var(--line); border-radius: 14px; padding: 1.4rem 1.5rem; margin-top: 1.1rem; }
        .verdict { border-left: 6px solid var(--tone); }
        .verdict .headline { font-size: clamp(1.35rem, 4.2vw, 2rem); line-height: 1.22; letter-spacing: -.015em; font-weight: 650; margin: .6rem 0 .7rem; max-width: 52rem; }
        .good { --tone: var(--good); --tone-soft: var(--good-soft); }
        .fair { --tone: var(--fair); --tone-soft: var(--fair-soft); }
        .poor { --tone: var(--poor); --tone-soft: var(--poor-soft); }
        .badge { display: inline-block; background: var(--tone-soft); color: var(--tone); border-radius: 99px; padding: .15rem .75rem; font-weight: 600; font-size: .86rem; }
        nav { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; font-size: .9rem; margin-top: .9rem; }
        .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); gap: .7rem; margin: 1.1rem 0 0; }
        .card { background: var(--surface); border: 1px solid var(--line); border-radius: 12px; padding: .85rem 1rem; }
        section .card { background: var(--sunken); border: 0; }
        .card .name { color: var(--soft); font-size: .86rem; }
        .card .figure { font-size: 1.45rem; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums; line-height: 1.3; }
        .card .figure .then { display: block; color: var(--soft); font-weight: 400; font-size: .95rem; letter-spacing: 0; }
        .card .hint { color: var(--soft); font-size: .8rem; line-height: 1.4; }
        ul + .scroll, .cards + p { margin-top: .9rem; }
        .scroll { overflow-x: auto; max-width: 100%; border: 1px solid var(--line); border-radius: 10px; }
        .tall { max-height: 32rem; overflow-y: auto; }
        table { border-collapse: collapse; font-size: .86rem; width: 100%; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
        th, td { text-align: left; padding: .38rem .7rem; border-top: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
        tr:first-child th { border-top: 0; }
        thead th { background: var(--sunken); color: var(--soft); font-weight: 600; position: sticky; top: 0; z-index: 1; }
        td.number, th.number { text-align: right; }
        td.wrap { white-space: normal; min-width: 15rem; }
        .clip { display: inline-block; max-width: 16rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; vertical-align: bottom; }
        h3 .clip, .losses .clip { max-width: 100%; }
        .clamp { display: -webkit-box; -webkit-line-clamp: 3; -webkit-box-orient: vertical; overflow: hidden; }
        details { margin-top: .8rem; }
        summary { cursor: pointer; color: var(--accent); font-weight: 600; padding: .3rem 0; }
        ul.plain { list-style: none; margin: .4rem 0 0; padding: 0; font-size: .86rem; }
        ul.columns { columns: 17rem auto; column-gap: 1.5rem; }
        ul.plain li { padding: .1rem 0; break-inside: avoid; }
        pre { margin: .6rem 0 0; padding: .8rem 1rem; background: var(--sunken); border-radius: 10px; white-space: pre-wrap; overflow-wrap: anywhere; }

        .photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(17.5rem, 1fr)); gap: .8rem; margin-top: .9rem; }
        .photo { display: grid; grid-template-columns: 92px minmax(0, 1fr); gap: .8rem; background: var(--sunken); border-radius: 12px; padding: .75rem; }
        .photo img, .photo .gone { width: 92px; height: 92px; object-fit: contain; border-radius: 8px; background: var(--track); display: block; }
        .photo .gone { display: grid; place-items: center; font-size: .75rem; color: var(--soft); text-align: center; }
        .photo .file { font-size: .78rem; color: var(--soft); }
        .answer { display: grid; grid-template-columns: 2.9rem minmax(0, 1fr) auto; gap: 0 .5rem; font-size: .86rem; margin-top: .25rem; }
        .answer .who { color: var(--soft); }
        .answer .what { font-weight: 600; line-height: 1.3; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; }
        .answer .bar { grid-column: 2 / 4; margin-top: .1rem; }
        .right { color: var(--good); }
        .wrong { color: var(--poor); }

        .bar { height: 6px; border-radius: 3px; background: var(--track); overflow: hidden; }
        .bar .fill { display: block; height: 100%; border-radius: 3px; background: var(--fill, var(--accent)); }

        .legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .8rem; color: var(--soft); margin: .4rem 0 .8rem; }
        .legend .mark, .dot { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%; margin-right: .35rem; background: var(--op); vertical-align: -.05rem; }
        .op-dense { --op: var(--dense); } .op-point { --op: var(--point); } .op-deep { --op: var(--deep); } .op-full { --op: var(--full); }
        .op-join { --op: var(--join); } .op-pool { --op: var(--pool); } .op-table { --op: var(--table); } .op-other { --op: var(--other); }
        .flow { position: relative; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
        .flow-tall { max-height: 46rem; overflow-y: auto; }
        .flow svg { position: absolute; left: 0; top: 0; display: block; }
        .flow .wire { fill: none; stroke: var(--soft); stroke-width: 1.5; opacity: .75; }
        .flow .stop { fill: var(--op); stroke: var(--surface); stroke-width: 2; }
        .row { height: 46px; display: grid; align-items: center; gap: 0 .9rem; padding-right: .8rem; border-top: 1px solid var(--line); font-size: .84rem;
          grid-template-columns: minmax(0, 1fr) 8.6rem 4.8rem 5.6rem 4.8rem 4.8rem 4.8rem 4.8rem; font-variant-numeric: tabular-nums; }
        .row.head { height: 34px; border-top: 0; background: var(--sunken); color: var(--soft); font-weight: 600; font-size: .78rem; }
        .row .who { min-width: 0; line-height: 1.25; }
        .row .op { font-weight: 600; }
        .row .who div { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        .row .who .soft { font-size: .76rem; }
        .row .cell { min-width: 0; white-space: nowrap; line-height: 1.2; }
        .row .cell .bar { margin-top: 3px; }
        .row .right-aligned { text-align: right; }

        .losses { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: .7rem; margin: .9rem 0 0; padding: 0; list-style: none; font-size: .86rem; }
        .losses li { background: var(--sunken); border-radius: 12px; padding: .7rem .9rem; min-width: 0; }
        .losses .who { display: flex; justify-content: space-between; gap: .8rem; }
        .losses .what { font-weight: 600; min-width: 0; }
        .losses .drop { font-variant-numeric: tabular-nums; white-space: nowrap; font-weight: 600; }
        .losses .soft { line-height: 1.4; }

        .memory { width: 100%; height: 300px; display: block; background: var(--sunken); border-radius: 10px; }
        .memory rect { fill: var(--op); stroke: var(--surface); stroke-width: 1; opacity: .82; vector-effect: non-scaling-stroke; }
        .memory rect.peak { fill: var(--ink); stroke: none; opacity: .13; }
        .axis { display: flex; justify-content: space-between; gap: 1rem; font-size: .78rem; color: var(--soft); margin: .3rem 0 0; }
        .heat { width: auto; }
        .heat th, .heat td { padding: .25rem .4rem; text-align: center; border: 1px solid var(--line); min-width: 2.1rem; }
        .heat thead th { vertical-align: bottom; position: static; }
        .heat thead .clip { writing-mode: vertical-rl; transform: rotate(180deg); max-width: none; max-height: 8rem; }
        .heat tbody th { text-align: right; font-weight: 500; background: var(--surface); position: sticky; left: 0; }
        .heat tbody .clip { max-width: 9rem; }
        .heat td.own { background: rgba(var(--heat), calc(var(--v) * .6)); }
        .heat td.other { background: rgba(var(--heat-wrong), calc(.12 + var(--v) * .5)); }
        .heat td.moved { outline: 2px solid var(--ink); outline-offset: -2px; font-weight: 700; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1.2rem; max-width: 44rem; }
        figure { margin: .8rem 0 0; }
        figcaption { font-size: .86rem; color: var(--soft); margin-top: .3rem; }
        .reliability { width: 100%; height: auto; display: block; background: var(--sunken); border-radius: 10px; }
        .reliability rect { fill: var(--accent); }
        .reliability line { stroke: var(--soft); stroke-width: .6; stroke-dasharray: 2 2; }
        .reliability text { fill: var(--soft); font-size: 5px; }
        dl { margin: .6rem 0 0; }
        dt { font-weight: 600; margin-top: .7rem; }
        dd { margin: .1rem 0 0; color: var(--soft); max-width: 46rem; }

        @media (max-width: 980px) {
          .row { grid-template-columns: minmax(0, 1fr) 5.4rem 5.6rem 6rem; }
          .row .wide { display: none; }
        }
        @media (max-width: 640px) {
          main { padding: 1rem .75rem 3rem; }
          section { padding: 1.1rem 1rem; border-radius: 12px; }
          .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .6rem; }
          .card { padding: .7rem .8rem; }
          .card .figure { font-size: 1.2rem; }
          .row { grid-template-columns: minmax(0, 1fr) 5rem; gap: 0 .5rem; padding-right: .6rem; }
          .row .middle { display: none; }
          .photos, .losses { grid-template-columns: minmax(0, 1fr); }
          .memory { height: 220px; }
          td.wrap { min-width: 13rem; }
        }
        @media print {
          body { background: #fff; }
          section { break-inside: avoid; }
          .tall, .flow-tall { max-height: none; }
        }
        """
}
