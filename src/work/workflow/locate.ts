/** Where an expression that failed stands, as `file:line:column`: read again from the source, since only failures ask. */
import { readSource } from './document.ts';
import { fileOf, type Job, nameInFile } from './job.ts';
import { taskNamed } from './names.ts';
import { piecesOf, sitesOf, sitesOfTask } from './sites.ts';

export function locate(job: Job, expr: string): string | undefined {
  const { definition, files, task } = job;
  const scope = definition.scope ?? { prefix: '' };
  const own = fileOf(job, scope);
  const entry = own && taskNamed(own.value, nameInFile(task.spec.id, scope));
  const used = definition.kind === 'uses' ? files.get(definition.workflow) : undefined;
  const places = [
    ...(own && entry ? sitesOfTask(nameInFile(task.spec.id, scope), entry).map((site) => ({ file: own, site })) : []),
    ...(used ? sitesOf({ ...used.value, tasks: {} }).map((site) => ({ file: used, site })) : []),
  ];
  for (const { file, site } of places) {
    const piece = piecesOf(site).pieces.find((each) => each.expr === expr);
    if (!piece) continue;
    const { line, column } = readSource(file.file, Buffer.from(file.text)).inside(site.path, piece.at);
    return `${file.file}:${line}:${column}`;
  }
  return undefined;
}
