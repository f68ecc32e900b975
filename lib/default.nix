/**
  Nivis: pipelines of data-science steps as derivations, from `builtins` alone.

  One function a file, named after its attribute. Data flows in one direction:

      nivis.lock ─▶ toolchain ─▶ wheel ─▶ environment ─┐
                             └─▶ root ─────────────────┤
      plan       ─▶ data ──────────────────────────────┴▶ step ─▶ content ─▶ experiment

  All meaning (manifests, versions, references) was decided by the `nivis` command and stands in the
  lock and the plans; nothing here parses TOML, versions or markers.
*/
{
  application = import ./application.nix;
  check = import ./check;
  content = import ./content.nix;
  data = import ./data.nix;
  environment = import ./environment.nix;
  experiment = import ./experiment.nix;
  fetch = import ./fetch.nix;
  given = import ./given.nix;
  inventory = import ./inventory.nix;
  items = import ./items.nix;
  join = import ./join.nix;
  outputs = import ./outputs.nix;
  project = import ./project.nix;
  recipe = import ./recipe.nix;
  root = import ./root.nix;
  shell = import ./shell.nix;
  step = import ./step.nix;
  toolchain = import ./toolchain;
  wheel = import ./wheel.nix;
}
