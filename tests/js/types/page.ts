// A web page's program in TypeScript, as strict as the compiler can be. It is compiled, not run.

import * as tf from '@tensorflow/tfjs';
import {addScheme, Daemon, mirror, ofTfjsd, register, TfjsdError} from 'tfjsd';
import type {Artifacts, DaemonEvent, DaemonOptions, LoadedArtifacts, Mirror, MirrorOptions, Pass, Registration} from 'tfjsd';

const options: DaemonOptions = {url: 'http://127.0.0.1:8765', token: 'secret', origin: 'https://app.example', fetch};
const tfjsd: Registration = register(tf, options);

export async function saveAndLoad(model: tf.LayersModel): Promise<tf.LayersModel> {
  const {modelArtifactsInfo}: tf.io.SaveResult = await model.save('tfjsd://indexeddb/my/model');
  const infos: {[url: string]: tf.io.ModelArtifactsInfo} = await tfjsd.listModels();
  const copied: tf.io.ModelArtifactsInfo = await tfjsd.copyModel('tfjsd://indexeddb/a', 'indexeddb://a');
  console.log(modelArtifactsInfo.dateSaved.getTime(), infos['x']?.weightDataBytes, copied.modelTopologyType, tfjsd.replaced);
  await tfjsd.moveModel('tfjsd://indexeddb/a', 'tfjsd://localstorage/a');
  await tfjsd.removeModel('tfjsd://localstorage/a');
  return tf.loadLayersModel('tfjsd://indexeddb/my/model');
}

export async function artifactsGoBothWays(daemon: Daemon, artifacts: tf.io.ModelArtifacts): Promise<tf.io.IOHandler> {
  const info: tf.io.ModelArtifactsInfo = await daemon.saveModel('indexeddb://m', artifacts, {overwrite: '0'});
  await daemon.removeModel('indexeddb://m', {expected: info});
  const loaded: LoadedArtifacts = await daemon.loadModel('indexeddb://m');
  const again: Artifacts = loaded;
  const theirs: tf.io.ModelArtifacts = loaded;
  await daemon.saveModel('indexeddb://again', again);
  await daemon.saveModel('indexeddb://file', {weightSpecs: [], weightData: new Blob(['x'])});
  return {load: async () => theirs, save: async (all) => ({modelArtifactsInfo: await daemon.saveModel('indexeddb://m', all)})};
}

export async function theRest(daemon: Daemon): Promise<void> {
  const value: string | null = await tfjsd.localStorage.getItem('theme');
  await daemon.localStorage.setItem('theme', value ?? 'dark');
  const names: string[] = await daemon.localStorage.keys();
  const ending = new AbortController();
  for await (const event of daemon.events(ending.signal)) take(event, names);
  const answer: Response = await daemon.request('GET', '/v1/models', {query: {origin: 'http://a'}, signal: ending.signal});
  const inner: string | null = ofTfjsd(answer.url);
  addScheme(tf, new Daemon(options), {own: (url: string) => inner && url, shown: (url: string) => url});
}

function take({type, data}: DaemonEvent, names: string[]): void {
  if (type === 'model' && data['action'] === 'saved') names.push(String(data['url']));
}

export async function keepEqual(): Promise<number> {
  const settings: MirrorOptions = {direction: 'both', prefix: 'laptop/', interval: 500, onError: (error: Error) => console.warn(error.message)};
  const mirrored: Mirror = mirror(tf, {...settings, onPass: ({up}: Pass) => console.log(up.length)});
  const {down, removed, held, errors}: Pass = await mirrored.sync();
  if (held.length > 0) console.log(await mirrored.approveRemovals());
  await mirrored.stop();
  return down.length + removed.length + Object.values(errors).filter(({name}) => name === 'QuotaExceededError').length;
}

export function told(error: unknown): string {
  if (!(error instanceof TfjsdError)) return String(error);
  const limit: number | undefined = error.limit;
  return `${error.name} ${error.status} ${error.hint ?? ''} ${limit ?? ''} ${error.unit === 'utf16'}`;
}
